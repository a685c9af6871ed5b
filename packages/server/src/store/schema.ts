import { readFile } from 'node:fs/promises'
import type { Client } from './client.ts'
import { StoreError } from './store-error.ts'

/**
 * The statements of each schema version, oldest first. A version that was released is never edited, only followed. Each
 * statement can be run again, as a start that was cut off will.
 */
const migrations: readonly (readonly string[])[] = [
  ['spans', 'span_links', 'sources', 'traces', 'traces_mv', 'operations', 'operations_mv'],
  ['topology_columns'],
  ['topology_minutes', 'topology_minutes_mv'],
  ['logs', 'metric_series', 'metric_points'],
  ['attribute_indexes', 'spans_merges'],
]

/** Tables that retention applies to, partitioned by day of arrival. */
export const dayTables = ['spans', 'span_links', 'traces', 'topology_minutes', 'logs', 'metric_points'] as const

/**
 * Brings `database` to this program's schema version; refuses with `newer-schema` what a newer program wrote. Safe to run
 * twice at once.
 *
 * @param rewrite changes each statement before it runs
 */
export async function applySchema(
  client: Client,
  database: string,
  rewrite: (statement: string) => string = (statement) => statement,
): Promise<void> {
  await client.command(`create database if not exists ${database}`)
  await client.command(
    `create table if not exists ${database}.schema_version (version UInt32, applied DateTime('UTC') default now())
    engine = MergeTree order by version`,
  )
  const [row] = await client.query<{ version: number }>(
    `select max(version) as version from ${database}.schema_version`,
  )
  const current = row?.version ?? 0
  if (current > migrations.length) {
    throw new StoreError(
      'newer-schema',
      `The data was written by a newer Spanlink (schema ${current}, this one knows ${migrations.length}). Update Spanlink.`,
    )
  }
  for (const [index, statements] of migrations.entries()) {
    const version = index + 1
    if (version <= current) continue
    for (const name of statements) await client.command(rewrite(await statement(name, database)))
    await client.command(`insert into ${database}.schema_version (version) values (${version})`, { async_insert: 0 })
  }
}

async function statement(name: string, database: string): Promise<string> {
  const text = await readFile(new URL(`./sql/${name}.sql`, import.meta.url), 'utf8')
  return text.replaceAll('{db}', database)
}
