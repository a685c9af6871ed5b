import type { QueryParams } from '../../../clickhouse/store.ts'
import { toRefKey, toSpanKey } from '../../links/span-ref.ts'
import { MINUTE_NANO, inWindow, type TimeWindow, toWindowParams } from '../../sql/time-window.ts'
import type { StoreAccess } from './find-messaging-spans.ts'
import { isOnPage, type ListPosition, type StartPosition, toSpanPosition } from './messaging-span.ts'
import { readSpanColumns, spanColumns } from './span-columns.ts'
import type { StoredSpan } from './stored-span.ts'

export type MessagingSpanCondition = {
  /** Without literals. */
  readonly sql: string
  readonly params: QueryParams
  /** The condition on `traffic_minutes`: the same, or a broader one with the same parameters. */
  readonly inRollup: 'same' | string
}

export type ScanStep = {
  /** Only spans from this position on. */
  readonly before: StartPosition | undefined
  readonly maxSpans: number
}

export type ScannedSpans = {
  /** Newest first. */
  readonly spans: readonly StoredSpan[]
  /** The last position scanned, if `maxSpans` were found: more may follow. */
  readonly scannedUntil: ListPosition | undefined
}

type ScanRequest = StoreAccess & { readonly window: TimeWindow }

/**
 * Spans read at once, for several steps: reading the narrow columns that find them takes longer
 * than reading them.
 */
const BLOCK_SPANS = 2_000

/** Creates a scan of the window's spans that satisfy an SQL condition, in steps from the newest. */
export function createSpanScan(
  request: ScanRequest,
  condition: MessagingSpanCondition,
): (step: ScanStep) => Promise<ScannedSpans> {
  let block: ScannedSpans | undefined
  return async ({ before, maxSpans }) => {
    let rest = block?.spans.filter((span) => isOnPage(before, toSpanPosition(span))) ?? []
    if (block === undefined || (rest.length === 0 && block.scannedUntil !== undefined)) {
      block = await readBlock(request, condition, before)
      rest = [...block.spans]
    }
    const last = rest[maxSpans - 1]
    if (last === undefined) return { spans: rest, scannedUntil: block.scannedUntil }
    // Spans that share an id may have the same start.
    let count = maxSpans
    for (let next = rest[count]; next !== undefined && isSamePosition(next, last); next = rest[count]) count++
    const isWhole = count === rest.length
    return { spans: rest.slice(0, count), scannedUntil: isWhole ? block.scannedUntil : toSpanPosition(last) }
  }
}

function isSamePosition(a: StoredSpan, b: StoredSpan): boolean {
  return a.start === b.start && toRefKey(a) === toRefKey(b)
}

/** Reads a block from as late as it is complete; longer ranges are read only if needed. */
async function readBlock(
  request: ScanRequest,
  condition: MessagingSpanCondition,
  before: StartPosition | undefined,
): Promise<ScannedSpans> {
  const { window } = request
  const end = before === undefined || before.time >= window.end ? window.end : before.time + 1n
  const range = { ...request, window: { start: window.start, end } }
  let scanned: ScannedSpans = { spans: [], scannedUntil: undefined }
  for (const start of await findStarts(range, condition)) {
    scanned = await queryNewestSpans({ ...request, window: { start, end } }, condition, before)
    if (scanned.scannedUntil !== undefined) break
  }
  return scanned
}

const LOOKBACK_STEPS = [10n * MINUTE_NANO, 60n * MINUTE_NANO, 24n * 60n * MINUTE_NANO]
const HOUR_NANO = 60n * MINUTE_NANO

/**
 * Finds start times for reading a block, later first; none if nothing matches. `traffic_minutes`
 * counts duplicate spans, so the first may yield too few. No span precedes the last.
 */
async function findStarts(request: ScanRequest, condition: MessagingSpanCondition): Promise<ReadonlySet<bigint>> {
  const { start, end } = request.window
  if (end - start <= MINUTE_NANO) return new Set([start])
  const isSame = condition.inRollup === 'same'
  // A broader condition counts some spans that do not match.
  const needed = isSame ? BLOCK_SPANS : 2 * BLOCK_SPANS
  const toStart = (minute: number): bigint => {
    const at = BigInt(minute) * MINUTE_NANO
    return at > start ? at : start
  }
  const findFirst = (rows: readonly MinuteRow[]): bigint | undefined => {
    let count = 0
    for (const { minute, n } of rows) {
      // Part of the last minute may be after the end.
      if (BigInt(minute + 1) * MINUTE_NANO <= end) count += Number(n)
      if (count >= needed) return toStart(minute)
    }
    return undefined
  }
  const recent = end - HOUR_NANO > start ? end - HOUR_NANO : start
  const recentRows = await countByMinute(request, condition, recent)
  const recentFirst = findFirst(recentRows)
  const isEnough = recentFirst !== undefined || recent === start
  const rows = isEnough ? recentRows : await countByMinute(request, condition, start)
  const oldest = rows.at(-1)
  if (oldest === undefined) return new Set()
  const last = isEnough && recent > start ? start : toStart(oldest.minute)
  const first = recentFirst ?? findFirst(rows) ?? last
  const between = isSame ? [] : LOOKBACK_STEPS.map((back) => end - back).filter((at) => at < first && at > last)
  return new Set([first, ...between, last])
}

type MinuteRow = { readonly minute: number; readonly n: string }

/** Counts the spans that satisfy the condition, newest minute first. */
async function countByMinute(
  { store, window, options }: ScanRequest,
  { sql, params, inRollup }: MessagingSpanCondition,
  start: bigint,
): Promise<MinuteRow[]> {
  return await store.query<MinuteRow>(
    `select minute, sum(spans) as n
    from traffic_minutes
    where minute >= {fromMinute:UInt32} and minute <= {toMinute:UInt32} and ${inRollup === 'same' ? sql : inRollup}
    group by minute
    order by minute desc`,
    { ...params, fromMinute: String(start / MINUTE_NANO), toMinute: String(window.end / MINUTE_NANO) },
    options,
  )
}

async function queryNewestSpans(
  { store, window, options }: ScanRequest,
  condition: MessagingSpanCondition,
  before: StartPosition | undefined,
): Promise<ScannedSpans> {
  const sortKeyBefore = `({beforeTime:UInt64}, toFixedString(unhex({beforeTrace:String}), 16), toFixedString(unhex({beforeSpan:String}), 8))`
  const fromBefore = `and (start, trace_id, span_id) ${before?.isInclusive === true ? '<=' : '<'} ${sortKeyBefore}`
  // The list's condition runs first: its columns take a byte or two per span, and it keeps few
  // spans. ClickHouse reads other columns than those of the order only for the result, with its
  // newer analyzer.
  const result = await store.queryBytes(
    `select ${spanColumns}
    from spans prewhere ${condition.sql}
    where ${inWindow} ${before === undefined ? '' : fromBefore}
    order by start desc, trace_id desc, span_id desc
    limit {limit:UInt32}`,
    {
      ...condition.params,
      ...toWindowParams(window),
      // The next one shows whether the last position is complete.
      limit: BLOCK_SPANS + 1,
      ...(before && { beforeTime: String(before.time), beforeTrace: before.traceId, beforeSpan: before.spanId }),
    },
    options,
  )
  const found = readSpanColumns(result)
  const next = found[BLOCK_SPANS]
  const complete = next ? found.filter((span) => !isSamePosition(span, next)) : found
  const last = next && (complete.at(-1) ?? next)
  // Spans exported twice are stored twice. `limit by` would sort the whole window.
  const spans = [...new Map((complete.length > 0 ? complete : found).map((span) => [toSpanKey(span), span])).values()]
  return { spans, scannedUntil: last && toSpanPosition(last) }
}
