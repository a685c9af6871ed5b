import type { Log } from '../log.ts'
import type { Client } from './client.ts'
import { INSERT_WINDOW_SECONDS } from './insert/insert-cache.ts'
import { isPatch } from './damage/corrupt-parts.ts'
import type { Retention } from './store.ts'
import { type Table, tableNames, tables } from './tables.ts'

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
        const dropped = await dropExpired(node, each)
        if (dropped.length > 0) log(`Retention dropped ${dropped.map(describeDay).join('; ')}.`)
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

/** The parts of a table that arrived on a day. */
type TableDay = {
  readonly partition: string
  readonly table: Table
  readonly newest: number
  readonly bytes: string
}

type DroppedDay = { readonly partition: string; readonly signals: ReadonlySet<string> }

function describeDay({ partition, signals: names }: DroppedDay): string {
  return `${[...names].join(', ')} of ${partition}`
}

/** Drops arrival days above the age or size limit. Returns the dropped days, oldest first. */
async function dropExpired(
  client: Client,
  { keepSeconds = {}, maxBytes = Infinity }: Retention,
): Promise<DroppedDay[]> {
  const parts = await client.query<TableDay>(
    `select partition_id as partition, table, toUnixTimestamp(max(max_time)) as newest, sum(bytes_on_disk) as bytes
    from system.parts
    where active and database = currentDatabase() and table in {tables:Array(String)} and not ${isPatch}
    group by partition_id, table order by partition_id`,
    { tables: tableNames.filter((name) => tables[name].expiry !== 'unreferenced') },
  )
  const now = Date.now() / 1000
  let bytes = parts.reduce((sum, part) => sum + Number(part.bytes), 0)
  const dropped: DroppedDay[] = []
  const days = [...Map.groupBy(parts, ({ partition }) => partition)]
  for (const [index, [partition, ofDay]] of days.entries()) {
    const isOverLimit = bytes > maxBytes && index < days.length - 1
    const expired = [...Map.groupBy(ofDay, ({ table }) => tables[table].expiry)].filter(([signal, ofSignal]) => {
      const keep = signal === 'unreferenced' ? undefined : keepSeconds[signal]
      return isOverLimit || Math.max(...ofSignal.map(({ newest }) => newest)) < now - (keep ?? Infinity)
    })
    if (expired.length === 0) continue
    for (const { table, bytes: size } of expired.flatMap(([, ofSignal]) => ofSignal)) {
      await client.command(`alter table ${table} drop partition id '${checkDayPartition(partition)}'`)
      bytes -= Number(size)
    }
    dropped.push({ partition, signals: new Set(expired.map(([signal]) => signal)) })
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
  for (const table of tableNames.filter((name) => tables[name].expiry === 'unreferenced')) {
    await client.command(`alter table ${table} delete where received < toDateTime(${before}, 'UTC')`)
  }
}

function checkDayPartition(partition: string): string {
  if (!/^[0-9]{8}$/.test(partition)) throw new Error(`not a day partition: ${partition}`)
  return partition
}
