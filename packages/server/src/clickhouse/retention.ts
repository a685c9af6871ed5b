import type { Log } from '../log.ts'
import type { Client } from './client.ts'
import { INSERT_WINDOW_SECONDS } from './insert/insert-cache.ts'
import { isPatch } from './damage/corrupt-parts.ts'
import type { Retention } from './store.ts'
import { tableNames, tables } from './tables.ts'

const RETENTION_INTERVAL_MS = 10 * 60 * 1000

/**
 * Applies the retention immediately and every 10 minutes. Returns a function that stops the timer.
 *
 * @param nodes clients of separate tables; `maxBytes` is divided equally among them
 */
export function startRetentionTimer(
  nodes: () => readonly Client[],
  retention: Retention | undefined,
  log: Log,
): () => void {
  if (retention?.keepSeconds === undefined && retention?.maxBytes === undefined) return () => {}
  const run = async (): Promise<void> => {
    const all = nodes()
    const each = { ...retention, maxBytes: (retention.maxBytes ?? Infinity) / all.length }
    for (const node of all) {
      try {
        const days = await dropExpired(node, each)
        if (days.length > 0) log(`Retention dropped the data of ${days.join(', ')}.`)
      } catch (error) {
        log(`Retention failed, next attempt in ten minutes: ${(error as Error).message}`, { level: 'error' })
      }
    }
  }
  void run()
  const timer = setInterval(() => void run(), RETENTION_INTERVAL_MS)
  timer.unref()
  return () => clearInterval(timer)
}

type Day = {
  readonly partition: string
  readonly newest: number
  readonly bytes: string
  readonly tables: readonly string[]
}

/** Drops arrival days above the age or size limit. Returns the dropped days, oldest first. */
async function dropExpired(
  client: Client,
  { keepSeconds = Infinity, maxBytes = Infinity }: Retention,
): Promise<string[]> {
  const days = await client.query<Day>(
    `select partition_id as partition, toUnixTimestamp(max(max_time)) as newest, sum(bytes_on_disk) as bytes,
      groupUniqArray(table) as tables
    from system.parts
    where active and database = currentDatabase() and table in {tables:Array(String)} and not ${isPatch}
    group by partition_id order by partition_id`,
    { tables: tablesByExpiry('day') },
  )
  const oldest = Date.now() / 1000 - keepSeconds
  let bytes = days.reduce((sum, day) => sum + Number(day.bytes), 0)
  const dropped: string[] = []
  for (const [index, day] of days.entries()) {
    const isOverLimit = bytes > maxBytes && index < days.length - 1
    if (day.newest >= oldest && !isOverLimit) continue
    for (const table of day.tables) {
      await client.command(`alter table ${table} drop partition id '${checkDayPartition(day.partition)}'`)
    }
    bytes -= Number(day.bytes)
    dropped.push(day.partition)
  }
  if (dropped.length > 0) await dropUnreferencedRows(client)
  return dropped
}

/** Deletes rows of `sources` and similar tables that no kept day can reference. */
async function dropUnreferencedRows(client: Client): Promise<void> {
  const [first] = await client.query<{ received: number }>(
    `select toUnixTimestamp(min(min_time)) as received from system.parts
    where active and database = currentDatabase() and table in ('spans', 'logs', 'metric_points') and not ${isPatch}`,
  )
  const received = Number(first?.received ?? 0)
  if (received === 0) return
  // A row is written once per window, so it may be that much older than the data that names it.
  const before = Math.max(0, received - INSERT_WINDOW_SECONDS)
  for (const table of tablesByExpiry('unreferenced')) {
    await client.command(`alter table ${table} delete where received < toDateTime(${before}, 'UTC')`)
  }
}

function checkDayPartition(partition: string): string {
  if (!/^[0-9]{8}$/.test(partition)) throw new Error(`not a day partition: ${partition}`)
  return partition
}

function tablesByExpiry(expiry: 'day' | 'unreferenced'): string[] {
  return tableNames.filter((name) => tables[name].expiry === expiry)
}
