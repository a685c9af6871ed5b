import { type Access, type Client, connect } from '../client.ts'
import { CorruptPartGuard } from '../corrupt-parts.ts'
import { takeDataDir } from './data-dir.ts'
import { type Engine, startEngine } from './engine.ts'
import { storeOver } from '../client-store.ts'
import { startRetention } from '../retention-timer.ts'
import type { Retention } from '../retention.ts'
import { applySchema } from '../schema/schema.ts'
import type { Store } from '../store.ts'

export { openClusterStore } from '../cluster/open-cluster.ts'

export type StoreOptions = {
  readonly retention?: Retention
  /** What the embedded engine may allocate; its code, some 220 MiB, comes on top. @default 1 GiB */
  readonly engineBytes?: number
  /** One line about something that an operator wants to know. */
  readonly log?: (line: string) => void
}

export type EmbeddedStore = Store & {
  /** Absolute path, taken for this process until `close()`. */
  readonly dataDir: string
  /** The engine's process id, while there is one. */
  enginePid(): number | undefined
}

/** Takes the data directory, starts the engine in it and brings the tables up to date. */
export async function openEmbeddedStore(dir: string, options: StoreOptions = {}): Promise<EmbeddedStore> {
  const log = options.log ?? (() => {})
  const dataDir = takeDataDir(dir)
  const database = 'spanlink'
  const guard = new CorruptPartGuard(log)
  let client: Client | undefined
  let engine: Engine
  try {
    engine = await startEngine({
      dataDir: dataDir.path,
      memoryBytes: options.engineBytes,
      log,
      answers: async (access) => {
        const probe = connect(access)
        try {
          return await probe.answers()
        } finally {
          await probe.close()
        }
      },
      onReady: async (access) => {
        const connected = await connectToTables(access, database)
        await guard.report(connected)
        client = connected
      },
      onDown: () => {
        const gone = client
        client = undefined
        void gone?.close()
      },
    })
  } catch (error) {
    dataDir.release()
    throw error
  }
  const stopRetention = startRetention(() => (client === undefined ? [] : [client]), options.retention, log)
  const store = storeOver('embedded', () => client, { restarts: engine.restarts, guard })
  return {
    ...store,
    state: engine.state,
    dataDir: dataDir.path,
    enginePid: engine.pid,
    close: async () => {
      stopRetention()
      await store.close()
      await engine.stop()
      dataDir.release()
    },
  }
}

async function connectToTables(access: Access, database: string): Promise<Client> {
  const bare = connect(access)
  try {
    await applySchema(bare, database)
  } finally {
    await bare.close()
  }
  return connect({ ...access, database })
}
