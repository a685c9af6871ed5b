import type { Client } from '../client.ts'
import { isReplicated, toReplicated } from './replicated-tables.ts'
import { applySchema } from '../schema/schema.ts'
import { tables } from '../tables.ts'

/** Database of each node's local tables; `database` has the Distributed tables. */
export function toShardDatabase(database: string): string {
  return `${database}_shard`
}

/** Brings every node to this program's schema version. Safe to run concurrently. */
export async function applyClusterSchema(nodes: readonly Client[], database: string, cluster: string): Promise<void> {
  // Local tables of all nodes first: a Distributed table copies the columns of the local one.
  for (const node of nodes) {
    await applySchema(node, toShardDatabase(database), (await isReplicated(node)) ? { rewrite: toReplicated } : {})
  }
  for (const node of nodes) await createDistributedTables(node, database, cluster)
}

type TableColumns = { readonly database: string; readonly table: string; readonly columns: string }

/**
 * Creates the Distributed tables, recreates those whose columns changed and drops obsolete ones.
 * They store no rows.
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
