import type { Client } from '../client.ts'
import { isReplicated, toReplicated } from './replicated-tables.ts'
import { applySchema } from '../schema/schema.ts'
import { tables } from '../tables.ts'

/** Where each node keeps its own rows; `database` has the tables over all nodes. */
export function toShardDatabase(database: string): string {
  return `${database}_shard`
}

/** Brings every node to this program's schema version. Two at once do no harm. */
export async function applyClusterSchema(nodes: readonly Client[], database: string, cluster: string): Promise<void> {
  // All nodes' own tables first: a Distributed table takes its columns from the one beside it.
  for (const node of nodes) {
    await applySchema(node, toShardDatabase(database), (await isReplicated(node)) ? { rewrite: toReplicated } : {})
  }
  for (const node of nodes) await createDistributedTables(node, database, cluster)
}

type TableColumns = { readonly database: string; readonly table: string; readonly columns: string }

/**
 * Creates the tables over all nodes, again those whose columns changed, and drops what is gone:
 * they have no rows of their own.
 */
async function createDistributedTables(node: Client, database: string, cluster: string): Promise<void> {
  const shard = toShardDatabase(database)
  await node.command(`create database if not exists ${database}`)
  const found = await node.query<TableColumns>(
    `select c.database as database, c.table as table, toString(groupArray((c.name, c.type, c.default_kind, c.default_expression))) as columns
    from (select * from system.columns where database in ({shard:String}, {database:String}) order by position) as c
    inner join system.tables as t on t.database = c.database and t.name = c.table
    where c.database = {shard:String} or startsWith(t.engine_full, {engine:String})
    group by database, table`,
    { database, shard, engine: `Distributed('${cluster}', '${shard}',` },
  )
  const findColumns = (of: string, table: string): string | undefined =>
    found.find((one) => one.database === of && one.table === table)?.columns
  for (const { table } of found.filter((one) => one.database === database && !(one.table in tables))) {
    await node.command(`drop table if exists ${database}.${table}`)
  }
  for (const [table, { shardingKey }] of Object.entries(tables)) {
    if (findColumns(database, table) === findColumns(shard, table)) continue
    await node.command(
      `create or replace table ${database}.${table} as ${shard}.${table}
      engine = Distributed('${cluster}', '${shard}', '${table}', ${shardingKey})`,
    )
  }
}
