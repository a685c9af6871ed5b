import { spanHead } from '../trace-rows/head-sql.ts'
import type { MissingPart, QueryOptions, Store } from '../../clickhouse/store.ts'
import { BY_IDS_SETTINGS, createTraceIdSet } from './id-parameters.ts'

const DAY_MS = 86_400_000

export type Signal = 'logs' | 'metrics' | 'traces'

/** Tables that a trace with its links is read from. */
const TRACE_TABLES: ReadonlySet<string> = new Set(['trace_rows', 'sources'])

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

/** Counts the unreadable parts and rows that traces that weren't found may be in. */
export function countLostTraceParts(store: Store, traceIds: readonly string[]): number {
  return listLostTraceParts(store).length + store.damagedRows.countOf(traceIds)
}

/**
 * Counts the damaged rows of these traces, and the unreadable parts that other rows may be in: of
 * the day of the first row and later days, as late spans and backlinks arrive on any.
 */
export async function countMissingPartsOfTraces(
  store: Store,
  traceIds: readonly string[],
  options: QueryOptions,
): Promise<number> {
  const damaged = store.damagedRows.countOf(traceIds)
  const lost = listLostTraceParts(store)
  if (lost.length === 0) return damaged
  const ids = createTraceIdSet('ids', traceIds)
  // A clock may be ahead: a span starts on the day of its arrival or before.
  const [row] = await store.query<{ start: string; traces: string }>(
    `select toString(least(min(${spanHead.start}), toUnixTimestamp(min(received)) * 1000000000)) as start, uniqExact(trace_id) as traces
    from trace_rows
    where trace_id in (${ids.sql}) and type = 'span'
    ${BY_IDS_SETTINGS}`,
    ids.params,
    options,
  )
  // All rows of a trace that isn't found may be in any of the parts.
  const isFound = Number(row?.traces) === new Set(traceIds).size
  const start = isFound ? BigInt(row?.start ?? 0) : 0n
  return damaged + lost.filter((part) => mayHaveRowsSince(part, start)).length
}

function listLostTraceParts(store: Store): MissingPart[] {
  return store.missingParts().filter(({ table }) => TRACE_TABLES.has(table))
}

/**
 * @param count of parts and damaged rows
 * @param what may be missing: `the trace`, `spans`
 */
export function describeMissingParts(count: number, what: string): string {
  const parts = count === 1 ? 'part or row' : 'parts or rows'
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
