import type { Client } from '../client.ts'

/** Tables are replicated on a server with Keeper and the macros `shard` and `replica`. */
export async function isReplicated(client: Client): Promise<boolean> {
  const [macros] = await client.query<{ n: number }>(
    "select toUInt32(uniqExact(macro)) as n from system.macros where macro in ('shard', 'replica')",
  )
  if (macros?.n !== 2) return false
  // A server that was built without Keeper's client has no such table.
  const [keeper] = await client.query<{ n: number }>(
    "select toUInt32(count()) as n from system.tables where database = 'system' and name = 'zookeeper_connection'",
  )
  if (keeper?.n !== 1) return false
  const [connected] = await client.query<{ n: number }>(
    'select toUInt32(count()) as n from system.zookeeper_connection',
  )
  return (connected?.n ?? 0) > 0
}

/** A week: the default is an hour, and a journal may wait longer for its store. */
const DEDUPLICATION_WINDOW_SECONDS = 604_800

/** The statement with every MergeTree of it replicated; what creates no table stays as it is. */
export function toReplicated(statement: string): string {
  return statement
    .replaceAll(/engine = (\w*MergeTree)(?:\(([^)]*)\))?/g, (_, engine: string, args: string | undefined) => {
      const all = ["'/clickhouse/tables/{shard}/{database}/{table}'", "'{replica}'", ...(args ? [args] : [])]
      return `engine = Replicated${engine}(${all.join(', ')})`
    })
    .replaceAll(
      /non_replicated_deduplication_window = \d+/g,
      `replicated_deduplication_window_seconds = ${DEDUPLICATION_WINDOW_SECONDS}`,
    )
}
