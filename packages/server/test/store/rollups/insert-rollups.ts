import { readFile } from 'node:fs/promises'
import { type Client, oneBlock } from '../../../src/clickhouse/client.ts'

/** The rollup of `table` in SQL, with `{db}`, `{day}` and `{hour}` for an hour of arrival. */
export async function readRollup(table: 'traffic_minutes' | 'operations'): Promise<string> {
  return await readFile(new URL(`./${table}.sql`, import.meta.url), 'utf8')
}

/** Fills `traffic_minutes` and `operations` from spans that SQL statements inserted. */
export async function insertRollups(client: Client, database: string): Promise<void> {
  const timeoutMs = 600_000
  // By the hour, which has to fit in memory.
  const hours = await client.query<{ day: string; hour: number }>(
    `select distinct _partition_id as day, toHour(received) as hour from ${database}.spans order by day, hour`,
    {},
    { timeoutMs },
  )
  for (const table of ['traffic_minutes', 'operations'] as const) {
    const sql = (await readRollup(table)).replaceAll('{db}', database)
    for (const { day, hour } of hours) {
      await client.command(sql.replaceAll('{day}', day).replaceAll('{hour}', String(hour)), oneBlock)
    }
  }
}
