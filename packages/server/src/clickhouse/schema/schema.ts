import { readFile } from 'node:fs/promises'
import type { Client } from '../client.ts'
import { StoreError } from '../store-error.ts'
import { tableNames } from '../tables.ts'

/**
 * Statements per schema version, oldest first, with `{db}` for the database. Released versions are
 * never edited. Each statement can run again: an interrupted start repeats its version.
 */
export type SchemaVersions = readonly (readonly string[])[]

export async function readSchemaVersions(): Promise<SchemaVersions> {
  return [await Promise.all(tableNames.map((name) => readFile(new URL(`./${name}.sql`, import.meta.url), 'utf8')))]
}

export type SchemaOptions = {
  /** Changes each statement before it runs. */
  readonly rewrite?: (statement: string) => string
  /** @default `readSchemaVersions()` */
  readonly versions?: SchemaVersions
}

/**
 * Creates the tables of `database`, or brings them to this program's schema version. Safe to run
 * twice at once.
 *
 * @throws StoreError `unsupported-schema` for data of a newer or a pre-release Spanlink
 */
export async function applySchema(client: Client, database: string, options: SchemaOptions = {}): Promise<void> {
  const { rewrite = (statement) => statement, versions = await readSchemaVersions() } = options
  await client.command(`create database if not exists ${database}`)
  await refusePreRelease(client, database)
  await client.command(
    `create table if not exists ${database}.schema_migrations (version UInt32, applied DateTime('UTC') default now())
    engine = MergeTree order by version`,
  )
  const [row] = await client.query<{ version: number }>(
    `select max(version) as version from ${database}.schema_migrations`,
  )
  if (row === undefined) throw new StoreError('unavailable', 'ClickHouse did not return the schema version.')
  const current = row.version
  if (current > versions.length) {
    throw new StoreError(
      'unsupported-schema',
      `Downgrades are not supported: a newer Spanlink wrote the data (schema ${current}, this one has ${versions.length}). Update Spanlink.`,
    )
  }
  for (const [index, statements] of versions.entries()) {
    const version = index + 1
    if (version <= current) continue
    for (const statement of statements) await client.command(rewrite(statement.replaceAll('{db}', database)))
    await client.command(`insert into ${database}.schema_migrations (version) values (${version})`, { async_insert: 0 })
  }
}

/** Pre-release builds had other tables, or settings, under the same schema version. */
async function refusePreRelease(client: Client, database: string): Promise<void> {
  const found = await client.query(
    `select 1 from system.tables where database = {database:String} and (name in {tables:Array(String)}
      or name = 'trace_rows' and position(create_table_query, 'enable_block_number_column') = 0)`,
    { database, tables: ['schema_version', 'span_links'] },
  )
  if (found.length === 0) return
  throw new StoreError(
    'unsupported-schema',
    `The data in database ${database} is of a pre-release Spanlink and cannot be migrated. Choose an empty --data directory or another database, or delete the data.`,
  )
}
