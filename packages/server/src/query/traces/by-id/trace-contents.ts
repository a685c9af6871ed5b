import { isTooHeavy } from '../../../clickhouse/store-error.ts'
import type { QueryOptions, QueryParams, Store } from '../../../clickhouse/store.ts'
import { fetchTraceRows } from '../../trace-rows/fetch-trace-rows.ts'
import { identityHash, spanHead } from '../../trace-rows/head-sql.ts'
import type { SpanRow } from '../../trace-rows/trace-row.ts'
import { countBacklinks, queryBacklinkCounts } from './backlink-counts.ts'
import { orderSpans } from './order-spans.ts'

/** All of the trace if `spanId` is empty. */
export type TraceRequest = { readonly traceId: string; readonly spanId: string }

export type TraceContents = {
  /** Each span once, earliest first. */
  readonly spans: readonly SpanRow[]
  /** Number of links to each span id. */
  readonly backlinks: ReadonlyMap<string, number>
  /** There are more: these are the earliest. */
  readonly truncated: boolean
}

/** Size of the rows in ClickHouse; objects and JSON take several times as much. */
const MAX_TRACE_BYTES = 32 * 1024 * 1024

/** More spans than a person can inspect. */
const MAX_SPANS = 200_000

/** The same for a trace of more than `MAX_TRACE_BYTES`. */
const MAX_LIMITED_SPANS = 50_000

/**
 * Fetches a trace, or the spans of one id: in one statement, unless it is too large for a response.
 * Then returns its earliest spans.
 */
export async function fetchTraceContents(
  store: Store,
  request: TraceRequest,
  options: QueryOptions,
): Promise<TraceContents> {
  const { traceId, spanId } = request
  const ids = { traceIds: [traceId], ...(spanId === '' ? {} : { spanIds: [spanId] }) }
  try {
    const settings = `, max_result_bytes = ${MAX_TRACE_BYTES}`
    const { spans, backlinks } = await fetchTraceRows(store, { ...ids, settings }, options)
    const ordered = orderSpans(spans)
    const truncated = ordered.length > MAX_SPANS
    if (truncated) ordered.length = MAX_SPANS
    return { spans: ordered, backlinks: countBacklinks(backlinks), truncated }
  } catch (error) {
    if (!isTooHeavy(error)) throw error
  }
  const limit = await findTraceLimit(store, request, options)
  // The trace isn't stored: links to it were too heavy.
  if (limit === undefined) return { spans: [], backlinks: new Map(), truncated: false }
  const { start, lastSpanId, count, isLast } = limit
  const rest = `and (${spanHead.start} < {cutStart:UInt64} or (${spanHead.start} = {cutStart:UInt64} and hex(span_id) <= {cutSpanId:String}))
    limit 1 by span_id, ${identityHash} limit ${count}`
  const params: QueryParams = { cutStart: start, cutSpanId: lastSpanId }
  const [{ spans }, backlinks] = await Promise.all([
    fetchTraceRows(store, { ...ids, type: 'span', rest, params }, options),
    queryBacklinkCounts(store, request, options),
  ])
  return { spans: orderSpans(spans), backlinks, truncated: !isLast }
}

/** The last span, by start and id, that fits into a response. */
type TraceLimit = {
  readonly start: string
  readonly lastSpanId: string
  /** Number of spans up to it. */
  readonly count: number
  /** No span follows. */
  readonly isLast: boolean
}

/**
 * Computes how much of a trace fits into a response. Adds up sizes, earliest span first, without
 * holding whole spans. Duplicates of a span count once. `undefined` when no span matches.
 */
async function findTraceLimit(
  store: Store,
  { traceId, spanId }: TraceRequest,
  options: QueryOptions,
): Promise<TraceLimit | undefined> {
  const rows = await store.query<{ spanId: string; first: string; bytes: string }>(
    `select hex(span_id) as spanId, min(${spanHead.start}) as first, any(length(head) + length(body)) as bytes
    from trace_rows
    where trace_id = unhex({traceId:String}) and type = 'span' ${spanId === '' ? '' : 'and span_id = unhex({spanId:String})'}
    group by span_id, ${identityHash}
    order by first, spanId
    limit ${MAX_LIMITED_SPANS + 1}
    settings max_threads = 1`,
    { traceId, ...(spanId === '' ? {} : { spanId }) },
    options,
  )
  let bytes = 0
  let count = 0
  for (const row of rows.slice(0, MAX_LIMITED_SPANS)) {
    bytes += Number(row.bytes)
    if (bytes > MAX_TRACE_BYTES && count > 0) break
    count++
  }
  const last = rows[count - 1]
  return last && { start: last.first, lastSpanId: last.spanId, count, isLast: count === rows.length }
}
