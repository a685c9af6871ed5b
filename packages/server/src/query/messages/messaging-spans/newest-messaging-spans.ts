import type { QueryParams } from '../../../clickhouse/store.ts'
import { toRefKey } from '../../links/span-ref.ts'
import { MINUTE_NANO, inWindow, type TimeWindow, toWindowParams } from '../../sql/time-window.ts'
import { keyBySpan, type StoreAccess } from './find-messaging-spans.ts'
import {
  messagingSpanColumns,
  type MessagingSpanRow,
  type MessagingSpan,
  type ListPosition,
  type StartPosition,
  toMessagingSpan,
  toSpanPosition,
} from './messaging-span.ts'

type ScanRequest = StoreAccess & {
  readonly window: TimeWindow
  /** Returns only spans from this position on. */
  readonly before: StartPosition | undefined
}

export type MessagingSpanCondition = {
  /** Without literals. */
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

/** Spans that a list scans per step, newest first; each messaging span is a separate read. */
const MAX_SCANNED_SPANS = 500

/** Finds spans of the window that satisfy an SQL condition, newest first. */
export async function findNewestMessagingSpans(
  request: ScanRequest,
  condition: MessagingSpanCondition,
  limit = MAX_SCANNED_SPANS,
): Promise<ScannedSpans> {
  const { window, before } = request
  // Usually the last minute has enough spans; longer ranges are read only if not.
  const end = before === undefined || before.time >= window.end ? window.end : before.time + 1n
  const scanFrom = async (start: bigint): Promise<ScannedSpans> =>
    await queryNewestMessagingSpans({ ...request, window: { start, end } }, condition, limit)
  if (end - MINUTE_NANO <= window.start) return await scanFrom(window.start)
  let scanned = await scanFrom(end - MINUTE_NANO)
  if (scanned.scannedUntil !== undefined) return scanned
  const starts = await findEarlierStarts({ ...request, window: { start: window.start, end } }, condition, limit)
  for (const start of starts) {
    scanned = await scanFrom(start)
    if (scanned.scannedUntil !== undefined) return scanned
  }
  return scanned
}

const LOOKBACK_STEPS = [10n * MINUTE_NANO, 60n * MINUTE_NANO, 24n * 60n * MINUTE_NANO]

/**
 * Finds start times for reading when the last minute has too few spans, later first; none if
 * nothing matches. `traffic_minutes` counts duplicate spans, so the first may yield too few. No
 * span precedes the last.
 */
async function findEarlierStarts(
  { store, window: { start, end }, options }: ScanRequest,
  { sql, params, inRollup }: MessagingSpanCondition,
  limit: number,
): Promise<ReadonlySet<bigint>> {
  const isSame = inRollup === 'same'
  const rows = await store.query<{ minute: number; n: string }>(
    `select minute, sum(spans) as n from traffic_minutes
    where minute >= {fromMinute:UInt32} and minute <= {toMinute:UInt32} and ${isSame ? sql : inRollup}
    group by minute
    order by minute desc`,
    { ...params, fromMinute: String(start / MINUTE_NANO), toMinute: String(end / MINUTE_NANO) },
    options,
  )
  const oldest = rows.at(-1)
  if (oldest === undefined) return new Set()
  const toStart = (minute: number): bigint => {
    const at = BigInt(minute) * MINUTE_NANO
    return at > start ? at : start
  }
  const last = toStart(oldest.minute)
  let first = last
  let count = 0
  for (const { minute, n } of rows) {
    // Part of the last minute may be after the end.
    if (BigInt(minute + 1) * MINUTE_NANO > end) continue
    count += Number(n)
    // A broader condition counts some spans that do not match.
    if (count < (isSame ? limit : 2 * limit)) continue
    first = toStart(minute)
    break
  }
  const between = isSame ? [] : LOOKBACK_STEPS.map((back) => end - back).filter((at) => at < first && at > last)
  return new Set([first, ...between, last])
}

async function queryNewestMessagingSpans(
  { store, window, before, options }: ScanRequest,
  condition: MessagingSpanCondition,
  limit: number,
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
  const found = rows.map(toMessagingSpan)
  const next = found[limit]
  // Spans that share an id may have the same start.
  const complete = next ? found.filter((span) => span.start !== next.start || toRefKey(span) !== toRefKey(next)) : found
  const last = next && (complete.at(-1) ?? next)
  // Spans exported twice are stored twice. `limit by` would sort the whole window.
  const spans = [...keyBySpan(complete.length > 0 ? complete : found).values()]
  return { spans, scannedUntil: last && toSpanPosition(last) }
}
