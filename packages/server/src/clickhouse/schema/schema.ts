import { readFile } from 'node:fs/promises'
import { type Client, oneBlock } from '../client.ts'
import { StoreError } from '../store-error.ts'

/**
 * The statements of each schema version, oldest first. A version that was released is never edited,
 * only followed. Each statement can be run again, as a start that was cut off will.
 */
const migrations: readonly (readonly (string | Step)[])[] = [
  ['spans', 'span_links', 'sources', 'traces', 'traces_mv', 'operations'],
  // What versions 2 and 3 made, version 6 makes otherwise.
  [],
  [],
  ['logs', 'metric_series', 'metric_points'],
  ['attribute_indexes', 'spans_merges'],
  [
    'messaging_columns_added',
    'messaging_columns',
    'topology_view_dropped',
    'operations_view_dropped',
    'traffic_minutes',
    'traffic_clusters',
    sumUpSpans,
    'topology_minutes_dropped',
  ],
  ['topic_index'],
  [
    'links_compact',
    'links_codecs',
    'traces_compact',
    'traces_codecs',
    'traces_by_day',
    'traces_mv_dropped',
    'messaging_codecs',
    'value_indexes',
    'attribute_indexes_dropped',
    'value_indexes_made',
  ],
  ['messaging_columns_added', 'messaging_columns', 'messaging_codecs', 'traffic_clusters'],
  ['traces_by_day_mv_dropped'],
]

type Step = (client: Client, database: string) => Promise<void>

/** Tables that retention applies to, partitioned by day of arrival. */
export const dayTables = ['spans', 'span_links', 'traces', 'traffic_minutes', 'logs', 'metric_points'] as const

/**
 * Brings `database` to this program's schema version; refuses with `newer-schema` what a newer
 * program wrote. Safe to run twice at once.
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
    for (const step of statements) {
      if (typeof step === 'string') await client.command(rewrite(await statement(step, database)))
      else await step(client, database)
    }
    await client.command(`insert into ${database}.schema_version (version) values (${version})`, { async_insert: 0 })
  }
}

/**
 * Fills `traffic_minutes` and `operations` from the spans that are stored already; of what it
 * stores the store does it itself. Once: a second run adds nothing.
 */
export async function sumUpSpans(client: Client, database: string): Promise<void> {
  // By the hour, which has to fit in memory: under one token it is one block.
  const hours = await client.query<{ day: string; hour: number }>(
    `select distinct _partition_id as day, toHour(received) as hour from ${database}.spans order by day, hour`,
    {},
    { timeoutMs: LONGEST_MS },
  )
  for (const name of ['traffic_of_hour', 'operations_of_hour']) {
    const sql = await statement(name, database)
    for (const { day, hour } of hours) {
      await client.command(sql.replaceAll('{day}', day).replaceAll('{hour}', String(hour)), {
        ...oneBlock,
        insert_deduplication_token: `summed up ${day} ${hour}`,
      })
    }
  }
}

const LONGEST_MS = 600_000

async function statement(name: string, database: string): Promise<string> {
  const text = await readFile(new URL(`./sql/${name}.sql`, import.meta.url), 'utf8')
  return text.replaceAll('{db}', database)
}
