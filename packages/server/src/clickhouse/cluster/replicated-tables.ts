import type { Client } from '../client.ts'

/** Tables are replicated if the server has Keeper and the macros `shard` and `replica`. */
export async function isReplicated(client: Client): Promise<boolean> {
  const [macros] = await client.query<{ n: number }>(
    "select toUInt32(uniqExact(macro)) as n from system.macros where macro in ('shard', 'replica')",
  )
  if (macros?.n !== 2) return false
  // A server built without the Keeper client lacks this table.
  const [keeper] = await client.query<{ n: number }>(
    "select toUInt32(count()) as n from system.tables where database = 'system' and name = 'zookeeper_connection'",
  )
  if (keeper?.n !== 1) return false
  const [connected] = await client.query<{ n: number }>(
    'select toUInt32(count()) as n from system.zookeeper_connection',
  )
  return (connected?.n ?? 0) > 0
}

/** One week. The default is an hour, and the journal may hold rows longer than that. */
const DEDUPLICATION_WINDOW_SECONDS = 604_800

/** Replaces each MergeTree engine by its replicated form; other statements are unchanged. */
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
