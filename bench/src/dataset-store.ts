import { connect } from '../../packages/server/src/clickhouse/client.ts'
import { lockDataDir } from '../../packages/server/src/clickhouse/engine/data-dir.ts'
import { startEngine } from '../../packages/server/src/clickhouse/engine/engine.ts'
import { applySchema } from '../../packages/server/src/clickhouse/schema/schema.ts'
import { insertRollups } from '../../packages/server/test/store/rollups/insert-rollups.ts'

export type Client = ReturnType<typeof connect>

/**
 * A separate engine over a data directory, with tables but without receivers. Data sets are written
 * by SQL statements.
 */
export async function openDatasetStore(
  dir: string,
  log: (line: string) => void,
): Promise<{ readonly client: Client; readonly close: () => Promise<void> }> {
  const taken = lockDataDir(dir)
  let client: Client | undefined
  const engine = await startEngine({
    dataDir: taken.path,
    // A block of a million spans is written at once.
    memoryBytes: 4 * 1024 ** 3,
    log,
    ping: async (access) => await connect(access).ping(),
    onReady: async (access) => {
      await applySchema(connect(access), 'spanlink')
      client = connect({ ...access, database: 'spanlink' })
    },
    onDown: () => {},
  })
  if (client === undefined) throw new Error('the engine is not ready')
  const ready = client
  const close = async (): Promise<void> => {
    await ready.close()
    await engine.stop()
    taken.release()
  }
  return { client, close }
}

/** Inserts what the server derives from received spans: bounds of traces, and rollups. */
export async function insertDerivedRows(client: Client): Promise<void> {
  await client.command(
    `insert into traces
    select trace_id, max(received), min(start), max(start) from spans group by trace_id, toDate(received)`,
  )
  await insertRollups(client, 'spanlink')
}

/** Waits until three consecutive checks find no running merge. */
export async function untilMerged(client: Client): Promise<void> {
  for (let quiet = 0; quiet < 3;) {
    const [row] = await client.query<{ n: string }>('select count() as n from system.merges')
    quiet = row?.n === '0' ? quiet + 1 : 0
    await new Promise((resolve) => setTimeout(resolve, 700))
  }
}

/**
 * Builds the indexes of parts that were never merged. Parts of this size from the receiver have
 * been merged.
 */
export async function indexSpans(client: Client): Promise<void> {
  const indexes = await client.query<{ name: string }>(
    `select name from system.data_skipping_indices where database = currentDatabase() and table = 'spans'`,
  )
  for (const { name } of indexes) {
    await client.command(`alter table spans materialize index ${name}`, { mutations_sync: '1' })
  }
}
