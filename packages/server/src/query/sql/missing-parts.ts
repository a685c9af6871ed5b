import type { MissingPart, QueryOptions, Store } from '../../clickhouse/store.ts'
import { createTraceIdSet } from './id-parameters.ts'

const DAY_MS = 86_400_000

export type Signal = 'logs' | 'metrics' | 'traces'

/** Tables that a trace with its links is read from. */
const TRACE_TABLES: ReadonlySet<string> = new Set(['spans', 'span_links', 'sources', 'traces'])

/**
 * Counts the unreadable parts that may have rows of a list or count.
 *
 * @param start of the searched range, Unix nanoseconds. @default 0n
 */
export function countMissingParts(store: Store, signal: Signal, start = 0n): number {
  return store
    .missingParts()
    .filter((part) => (part.table === 'sources' || toSignal(part.table) === signal) && mayHaveRowsSince(part, start))
    .length
}

/** Counts the unreadable parts that a trace that wasn't found may be in. */
export function countLostTraceParts(store: Store): number {
  return store.missingParts().filter(({ table }) => TRACE_TABLES.has(table)).length
}

/**
 * Counts the unreadable parts that rows of these traces may be in. The table `traces` has a row for
 * each day that spans of a trace arrived on: parts of `spans` from other days have none of them.
 */
export async function countMissingPartsOfTraces(
  store: Store,
  traceIds: readonly string[],
  options: QueryOptions,
): Promise<number> {
  const lost = store.missingParts().filter(({ table }) => TRACE_TABLES.has(table))
  if (lost.length === 0) return 0
  const ids = createTraceIdSet('ids', traceIds)
  const [row] = await store.query<{ days: string[]; start: string }>(
    `select groupUniqArray(toYYYYMMDD(received)) as days, toString(min(start)) as start
    from traces
    where trace_id in (${ids.sql})`,
    ids.params,
    options,
  )
  const days = new Set(row?.days.map((day) => parseDay(String(day))))
  return lost.filter((part) => {
    const day = parseDay(part.day)
    if (!mayHaveRowsSince(part, BigInt(row?.start ?? 0))) return false
    // Traces of a segment are stored under the day of its last span.
    return part.table !== 'spans' || Number.isNaN(day) || days.has(day) || days.has(day + DAY_MS)
  }).length
}

/** @param what may be missing: `the trace`, `spans` */
export function describeMissingParts(count: number, what: string): string {
  const parts = count === 1 ? 'part' : 'parts'
  return `${count} table ${parts} cannot be read; ${what} may be incomplete or missing. See the server log.`
}

/** Maps a table name or an endpoint path to its signal. */
export function toSignal(name: string): Signal {
  if (name === 'logs') return 'logs'
  return name.startsWith('metric') ? 'metrics' : 'traces'
}

/**
 * A part has the rows that arrived on one day. Their spans started on that day or any earlier one,
 * as old traces can be imported.
 */
function mayHaveRowsSince(part: MissingPart, start: bigint): boolean {
  const ms = parseDay(part.day)
  return Number.isNaN(ms) || start < BigInt(ms + DAY_MS) * 1_000_000n
}

/** Parses `20261129` to Unix milliseconds, or to NaN. */
function parseDay(day: string): number {
  return Date.parse(`${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6)}`)
}
