import { type Client, connect } from '../../src/clickhouse/client.ts'
import { startEngine } from '../../src/clickhouse/engine/engine.ts'
import { applySchema } from '../../src/clickhouse/schema/schema.ts'

export type BareEngine = { readonly client: Client; stop(): Promise<void> }

/** An embedded engine without a store; its database has no tables yet. */
export async function startBareEngine(dataDir: string): Promise<BareEngine> {
  let client: Client | undefined
  const engine = await startEngine({
    dataDir,
    ping: (access) => connect(access).ping(),
    onReady: async (access) => {
      const bare = connect(access)
      await bare.command('create database if not exists spanlink')
      await bare.close()
      client = connect({ ...access, database: 'spanlink' })
    },
    onDown: () => {},
    log: () => {},
  })
  if (client === undefined) throw new Error('the engine is not ready')
  const ready = client
  return {
    client: ready,
    stop: async () => {
      await ready.close()
      await engine.stop()
    },
  }
}

/** An embedded engine without a store, with tables. */
export async function startEngineWithTables(dataDir: string): Promise<BareEngine> {
  const engine = await startBareEngine(dataDir)
  await applySchema(engine.client, 'spanlink')
  return engine
}
