import type { QueryOptions, QueryParams, Store } from '../../../clickhouse/store.ts'
import { MINUTE_NANO, inWindow, type TimeWindow, toWindowParams } from '../../sql/time-window.ts'
import {
  messagingSpanColumns,
  type MessagingSpanRow,
  type MessagingSpan,
  type ListPosition,
  type StartPosition,
  toMessagingSpan,
} from './messaging-span.ts'
import { toRefKey } from '../../links/span-ref.ts'
import { keyBySpan } from './find-messaging-spans.ts'
import { findStartMinutes } from './start-minutes.ts'

/**
 * Finds spans of the window that satisfy an SQL condition (with parameters, no literals), newest
 * first.
 *
 * @param before returns only spans from this position on
 */
export async function findNewestMessagingSpans(
  store: Store,
  window: TimeWindow,
  condition: MessagingSpanCondition,
  before: StartPosition | undefined,
  limit: number,
  options: QueryOptions,
): Promise<ScannedSpans> {
  // Usually the last minute has enough spans; longer ranges are read only if not.
  const newest = before === undefined || before.time >= window.end ? window.end : before.time + 1n
  const scanFrom = async (start: bigint): Promise<ScannedSpans> =>
    await queryNewestMessagingSpans(store, { start, end: newest }, condition, before, limit, options)
  if (newest - MINUTE_NANO <= window.start) return await scanFrom(window.start)
  let scanned = await scanFrom(newest - MINUTE_NANO)
  if (scanned.scannedUntil !== undefined) return scanned
  const starts = await findEarlierStarts(store, { start: window.start, end: newest }, condition, limit, options)
  for (const start of new Set(starts)) {
    scanned = await scanFrom(start)
    if (scanned.scannedUntil !== undefined) return scanned
  }
  return scanned
}

/**
 * Finds start times for reading when the last minute has too few spans, later first. No span
 * precedes the last.
 */
async function findEarlierStarts(
  store: Store,
  window: TimeWindow,
  { sql, params, inRollup }: MessagingSpanCondition,
  limit: number,
  options: QueryOptions,
): Promise<bigint[]> {
  if (inRollup === 'same') return await findStartMinutes(store, window, { sql, params }, limit, options)
  // The rollup's condition is broader, so it counts some spans that do not match.
  const startMinutes = await findStartMinutes(store, window, { sql: inRollup, params }, 2 * limit, options)
  const [first, last] = [startMinutes[0], startMinutes.at(-1)]
  if (first === undefined || last === undefined) return []
  const between = LOOKBACK_STEPS.map((back) => window.end - back).filter((at) => at < first && at > last)
  return [first, ...between, last]
}

export type MessagingSpanCondition = {
  readonly sql: string
  readonly params: QueryParams
  /** The condition on `traffic_minutes`: the same, or a broader one with the same parameters. */
  readonly inRollup: 'same' | string
}

export type ScannedSpans = {
  readonly spans: readonly MessagingSpan[]
  /** The last position scanned, if `limit` rows were found: more may follow. */
  readonly scannedUntil: ListPosition | undefined
}

const LOOKBACK_STEPS = [10n * MINUTE_NANO, 60n * MINUTE_NANO, 24n * 60n * MINUTE_NANO]

async function queryNewestMessagingSpans(
  store: Store,
  window: TimeWindow,
  condition: { readonly sql: string; readonly params: QueryParams },
  before: StartPosition | undefined,
  limit: number,
  options: QueryOptions,
): Promise<ScannedSpans> {
  const sortKey = '(start, trace_id, span_id)'
  const sortKeyBefore = `({beforeTime:UInt64}, toFixedString(unhex({beforeTrace:String}), 16), toFixedString(unhex({beforeSpan:String}), 8))`
  // The list's condition runs first: its columns take a byte or two per span, and it keeps few
  // spans.
  const from = `spans prewhere ${condition.sql}
    where ${inWindow} ${before === undefined ? '' : `and ${sortKey} ${before.isInclusive ? '<=' : '<'} ${sortKeyBefore}`}`
  const params = {
    ...condition.params,
    ...toWindowParams(window),
    // The next one shows whether the last position is complete.
    limit: limit + 1,
    ...(before && { beforeTime: String(before.time), beforeTrace: before.traceId, beforeSpan: before.spanId }),
  }
  // For a long range, first finds the start of the oldest span to return from few columns, then
  // reads the other columns only from there on.
  const isLong = window.end - window.start > MINUTE_NANO
  const [oldest] = isLong
    ? await store.query<{ start: string }>(
        `select start from ${from} order by start desc limit 1 offset {limit:UInt32}`,
        params,
        options,
      )
    : []
  const rows = await store.query<MessagingSpanRow>(
    `select ${messagingSpanColumns}
    from ${from} ${oldest === undefined ? '' : 'and start >= {oldest:UInt64}'}
    order by ${sortKey} desc
    limit {limit:UInt32}`,
    { ...params, ...(oldest && { oldest: oldest.start }) },
    options,
  )
  const next = rows[limit]
  const complete = next === undefined ? rows : rows.filter((row) => !isSamePosition(row, next))
  const last = next && (complete.at(-1) ?? next)
  // Spans exported twice are stored twice. `limit by` would sort the whole window.
  const spans = [...keyBySpan((complete.length > 0 ? complete : rows).map(toMessagingSpan)).values()]
  return { spans, scannedUntil: last && toListPosition(last) }
}

/** Spans that share an id may have the same start. */
function isSamePosition(a: MessagingSpanRow, b: MessagingSpanRow): boolean {
  return a.start === b.start && toRefKey(a) === toRefKey(b)
}

function toListPosition({ traceId, spanId, start }: MessagingSpanRow): ListPosition {
  return { traceId, spanId, time: BigInt(start) }
}
