import type { Client } from '../client.ts'
import { isReplicated, replicated } from './replicated-tables.ts'
import { applySchema } from '../schema/schema.ts'

/**
 * What decides the shard. A trace's spans, its links in both directions (an `in` row is filed under
 * its target's trace), its bounds and its logs lie on one shard. None may be random: a segment that
 * is inserted again has to fall apart the same way, or a shard would know the token of rows it
 * never had.
 */
const shardingKeys = {
  spans: 'cityHash64(trace_id)',
  span_links: 'cityHash64(trace_id)',
  traces: 'cityHash64(trace_id)',
  logs: "if(trace_id = toFixedString('', 16), cityHash64(source_id, timestamp), cityHash64(trace_id))",
  metric_series: 'series_id',
  metric_points: 'series_id',
  sources: 'source_id',
  // Summed up by the store, and read together.
  operations: 'cityHash64(service, name)',
  traffic_minutes: 'cityHash64(service, topic)',
} as const satisfies Record<string, string>

/** Where each node keeps its own rows; `database` has the tables over all nodes. */
export function shardDatabase(database: string): string {
  return `${database}_shard`
}

/** Brings every node to this program's schema version. Two at once do no harm. */
export async function applyClusterSchema(nodes: readonly Client[], database: string, cluster: string): Promise<void> {
  // All nodes' own tables first: a Distributed table takes its columns from the one beside it.
  for (const node of nodes) {
    await applySchema(node, shardDatabase(database), (await isReplicated(node)) ? replicated : undefined)
  }
  for (const node of nodes) await distribute(node, database, cluster)
}

type Columns = { readonly database: string; readonly table: string; readonly columns: string }

/**
 * Creates the tables over all nodes, again those whose columns changed, and drops what is gone:
 * they have no rows of their own.
 */
async function distribute(node: Client, database: string, cluster: string): Promise<void> {
  const shard = shardDatabase(database)
  await node.command(`create database if not exists ${database}`)
  const found = await node.query<Columns>(
    `select c.database as database, c.table as table, toString(groupArray((c.name, c.type, c.default_kind, c.default_expression))) as columns
    from (select * from system.columns where database in ({shard:String}, {database:String}) order by position) as c
    inner join system.tables as t on t.database = c.database and t.name = c.table
    where c.database = {shard:String} or startsWith(t.engine_full, {engine:String})
    group by database, table`,
    { database, shard, engine: `Distributed('${cluster}', '${shard}',` },
  )
  const columnsOf = (of: string, table: string): string | undefined =>
    found.find((one) => one.database === of && one.table === table)?.columns
  for (const { table } of found.filter((one) => one.database === database && !(one.table in shardingKeys))) {
    await node.command(`drop table if exists ${database}.${table}`)
  }
  for (const [table, key] of Object.entries(shardingKeys)) {
    if (columnsOf(database, table) === columnsOf(shard, table)) continue
    await node.command(
      `create or replace table ${database}.${table} as ${shard}.${table}
      engine = Distributed('${cluster}', '${shard}', '${table}', ${key})`,
    )
  }
}
