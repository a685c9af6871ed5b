import type { QueryOptions, QueryParams, Store } from '../../clickhouse/store.ts'
import { createIdList } from '../sql/id-parameters.ts'
import { BUCKET_NANO } from '../sql/span-bucket.ts'
import { MINUTE_NANO } from '../sql/time-window.ts'
import { type SpanFilter, startsBetween } from './span-filter.ts'

/** A trace and the start of its newest span that satisfies a filter. */
export type Position = { readonly newest: bigint; readonly traceId: string }

/**
 * Finds traces with a span that satisfies every filter at once, newest first, in batches. Scans
 * back from now in widening windows, so that a page of recent traces reads minutes of spans.
 *
 * @param after the last position of the previous page
 * @param count how many traces are expected to be enough
 */
export async function* findNewest(
  store: Store,
  filter: SpanFilter,
  after: Position | undefined,
  count: number,
  options: QueryOptions,
): AsyncGenerator<readonly Position[]> {
  const want = Math.max(count, MIN_BATCH)
  const seen = new Set<string>()
  let before = after ?? { newest: filter.to, traceId: '' }
  for (const window of listWindows(filter, before.newest < filter.to ? before.newest : filter.to)) {
    for (let more = true; more;) {
      const search = { filter, window, before, want }
      const found = (await findFew(store, search, options)) ?? (await findMany(store, search, options))
      before = found.at(-1) ?? before
      more = found.length === want
      // A trace with matches in several windows, or on several pages, belongs to the newest.
      const positions = found.filter(({ traceId }) => seen.size < seen.add(traceId).size)
      yield after === undefined ? positions : await removeEarlier(store, filter, after, positions, options)
    }
  }
}

const MIN_BATCH = 20

type Window = { readonly from: bigint; readonly to: bigint }

const HOUR = 60n * MINUTE_NANO
const DAY = 24n * HOUR
const LOOKBACKS_NANO = [BUCKET_NANO, HOUR, 6n * HOUR, 2n * DAY, 16n * DAY]

/**
 * Lists inclusive windows from `filter.from` to `to`, newest first, which begin with a bucket of
 * `spans`. The first includes times after now; it is longer for a service, which has fewer rows.
 */
function* listWindows(filter: SpanFilter, to: bigint): Generator<Window> {
  const now = BigInt(Date.now()) * 1_000_000n
  const anchor = to < now ? to : now
  let top = to
  for (const lookback of 'service' in filter.params ? LOOKBACKS_NANO.slice(1) : LOOKBACKS_NANO) {
    if (top < filter.from) return
    const bottom = ((anchor - lookback) / BUCKET_NANO) * BUCKET_NANO
    const from = bottom > filter.from ? bottom : filter.from
    yield { from, to: top }
    top = from - 1n
  }
  if (top >= filter.from) yield { from: filter.from, to: top }
}

type WindowSearch = {
  readonly filter: SpanFilter
  readonly window: Window
  readonly before: Position
  readonly want: number
}

/** Spans that are read for each trace that is wanted. */
const SPANS_PER_TRACE = 8

/** Reads the newest spans. `undefined` when these are of too few traces. */
async function findFew(
  store: Store,
  { filter, window: { from, to }, before, want }: WindowSearch,
  options: QueryOptions,
): Promise<readonly Position[] | undefined> {
  const limit = want * SPANS_PER_TRACE
  // By `start` alone, ClickHouse would compare all starts with the newest ones before it applies
  // the filter: three times the CPU if few spans satisfy it.
  const rows = await store.query<PositionRow>(
    `select lower(hex(trace_id)) as traceId, start as newest
    from spans
    where ${compileFilter(filter)}
    order by start + 0 desc
    limit ${limit}`,
    toParams(filter, { from, to: before.newest < to ? before.newest : to }),
    options,
  )
  const spans = rows.map(toPosition)
  // Other spans may have the start of the last one.
  const last = spans.length === limit ? spans.at(-1)?.newest : undefined
  const newestFirst = spans
    .filter((span) => (last === undefined || span.newest > last) && comparePositions(span, before) > 0)
    .sort(comparePositions)
  const traceIds = new Set<string>()
  const positions = newestFirst.filter(({ traceId }) => traceIds.size < traceIds.add(traceId).size)
  return last === undefined || positions.length >= want ? positions.slice(0, want) : undefined
}

/** The same for any number of spans. */
async function findMany(
  store: Store,
  { filter, window, before, want }: WindowSearch,
  options: QueryOptions,
): Promise<readonly Position[]> {
  const rows = await store.query<PositionRow>(
    `select lower(hex(trace_id)) as traceId, max(start) as newest
    from spans
    where ${compileFilter(filter)}
    group by trace_id
    having newest < {beforeNewest:UInt64} or (newest = {beforeNewest:UInt64} and traceId > {beforeTraceId:String})
    order by newest desc, traceId
    limit ${want}`,
    { ...toParams(filter, window), beforeNewest: String(before.newest), beforeTraceId: before.traceId },
    options,
  )
  return rows.map(toPosition)
}

/** Removes traces of earlier pages. */
async function removeEarlier(
  store: Store,
  filter: SpanFilter,
  after: Position,
  positions: readonly Position[],
  options: QueryOptions,
): Promise<readonly Position[]> {
  if (positions.length === 0) return positions
  const ids = createIdList(
    't',
    positions.map(({ traceId }) => traceId),
  )
  const rows = await store.query<PositionRow>(
    `select lower(hex(trace_id)) as traceId, max(start) as newest
    from spans
    where ${compileFilter(filter)} and trace_id in (${ids.sql})
    group by trace_id`,
    { ...toParams(filter, { from: after.newest, to: filter.to }), ...ids.params },
    options,
  )
  const earlier = new Set(rows.flatMap((row) => (comparePositions(toPosition(row), after) > 0 ? [] : [row.traceId])))
  return positions.filter(({ traceId }) => !earlier.has(traceId))
}

/** SQL: the filter within a window, in the parameters of `toParams`. */
function compileFilter({ conditions }: SpanFilter): string {
  return [startsBetween('windowFrom', 'windowTo'), ...conditions].join(' and ')
}

function toParams({ params }: SpanFilter, { from, to }: Window): QueryParams {
  return { ...params, windowFrom: String(from), windowTo: String(to) }
}

type PositionRow = { readonly traceId: string; readonly newest: string }

function toPosition({ traceId, newest }: PositionRow): Position {
  return { traceId, newest: BigInt(newest) }
}

/** Newest first. */
function comparePositions(a: Position, b: Position): number {
  if (a.newest !== b.newest) return a.newest > b.newest ? -1 : 1
  return a.traceId < b.traceId ? -1 : Number(a.traceId > b.traceId)
}
