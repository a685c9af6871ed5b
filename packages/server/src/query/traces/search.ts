import type { TracesResponse, TracesQuery, TraceSummary } from '@spanlink/api-schema'
import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import { createCursorCodec } from '../sql/cursor.ts'
import { toSearchedRange } from '../sql/searched-range.ts'
import { type SpanFilter, spanFilter, startsBetween } from './span-filter.ts'
import { fetchSummaries } from './trace-summary.ts'
import { MINUTE_NANO } from '../sql/time-window.ts'

/**
 * Traces with a span that satisfies every filter at once, newest first by the newest such span.
 *
 * Scans back from now in widening windows, so that a page of recent traces reads minutes of spans.
 * A trace with matches in several windows belongs to the newest: its summary has the newest match
 * of all, and older windows skip it.
 */
export async function searchTraces(store: Store, query: TracesQuery, options: QueryOptions): Promise<TracesResponse> {
  const limit = query.limit ?? 50
  const filter = spanFilter(query)
  const cursor = query.cursor === undefined ? undefined : traceCursor.decode(query.cursor)
  const found: Match[] = []
  let before: Position = cursor ?? { newest: filter.to, traceId: '' }
  for (const [from, to] of listWindows(filter.from, before.newest < filter.to ? before.newest : filter.to)) {
    for (let more = true; more && found.length <= limit;) {
      // One more than requested shows whether there is a next page; at least 20 per statement.
      const want = Math.max(limit + 1 - found.length, 20)
      const positions = await findNewestPositions(store, filter, from, to, before, want, options)
      found.push(...(await fetchMatches(store, positions, filter, options)))
      before = positions.at(-1) ?? before
      more = positions.length === want
    }
    if (found.length > limit) break
  }
  const page = found.slice(0, limit)
  const last = found.length > limit ? page.at(-1) : undefined
  const range = { start: filter.from, end: filter.to + 1n, hasDefaultEnd: query.end === undefined }
  return {
    traces: page.map((match) => match.summary),
    ...toSearchedRange(range, { from: cursor?.newest, until: last?.newest }),
    ...(last === undefined ? {} : { nextCursor: traceCursor.encode(last) }),
  }
}

const traceCursor = createCursorCodec('traces1', { newest: 'uint64', traceId: 'traceId' })

type Position = ReturnType<typeof traceCursor.decode>
type Match = Position & { readonly summary: TraceSummary }

const HOUR = 60n * MINUTE_NANO
const DAY = 24n * HOUR
const LOOKBACKS_NANO = [10n * MINUTE_NANO, HOUR, 6n * HOUR, DAY, 4n * DAY, 16n * DAY, 64n * DAY]

/**
 * Lists inclusive windows that cover `from` to `to`, newest first. The first includes times after
 * now.
 */
function* listWindows(from: bigint, to: bigint): Generator<readonly [bigint, bigint]> {
  const now = BigInt(Date.now()) * 1_000_000n
  const anchor = to < now ? to : now
  let top = to
  for (const reach of LOOKBACKS_NANO) {
    if (top < from) return
    const bottom = anchor - reach > from ? anchor - reach : from
    yield [bottom, top]
    top = bottom - 1n
  }
  if (top >= from) yield [from, top]
}

async function findNewestPositions(
  store: Store,
  filter: SpanFilter,
  from: bigint,
  to: bigint,
  before: Position,
  limit: number,
  options: QueryOptions,
): Promise<Position[]> {
  const rows = await store.query<{ traceId: string; newest: string }>(
    `select lower(hex(trace_id)) as traceId, max(start) as newest
    from spans
    where ${[startsBetween('windowFrom', 'windowTo'), ...filter.conditions].join(' and ')}
    group by trace_id
    having newest < {beforeNewest:UInt64} or (newest = {beforeNewest:UInt64} and traceId > {beforeTraceId:String})
    order by newest desc, traceId
    limit {limit:UInt32}`,
    {
      ...filter.params,
      windowFrom: String(from),
      windowTo: String(to),
      beforeNewest: String(before.newest),
      beforeTraceId: before.traceId,
      limit,
    },
    options,
  )
  return rows.map((row) => ({ traceId: row.traceId, newest: BigInt(row.newest) }))
}

async function fetchMatches(
  store: Store,
  positions: readonly Position[],
  filter: SpanFilter,
  options: QueryOptions,
): Promise<Match[]> {
  if (positions.length === 0) return []
  const ids = positions.map((position) => position.traceId)
  const summaries = await fetchSummaries(store, ids, filter, options)
  return positions.flatMap((position) => {
    const known = summaries.get(position.traceId)
    return known?.newestMatch === position.newest ? [{ ...position, summary: known.summary }] : []
  })
}
