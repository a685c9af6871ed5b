import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import { FEW_GRANULES_SETTINGS } from '../sql/span-bucket.ts'
import { spanIdentity } from './span-parents.ts'

/** The last span, by start and id, that fits into a response. */
export type TraceLimit = {
  readonly start: string
  readonly spanId: string
  /** Number of spans up to it. */
  readonly count: number
  /** No span follows. */
  readonly isLast: boolean
}

/** Size of the columns in ClickHouse; objects and JSON take several times as much. */
const MAX_TRACE_BYTES = 32 * 1024 * 1024

/**
 * Above it, a trace is read in two steps: first the limit, then the spans. Counts rows of granules.
 */
const MAX_ROWS_AT_ONCE = 4_000_000

/**
 * SQL: settings of a statement that reads a whole trace, or fails as too heavy.
 */
export const WHOLE_TRACE_SETTINGS = `${FEW_GRANULES_SETTINGS}, max_result_bytes = ${MAX_TRACE_BYTES}, max_rows_to_read = ${MAX_ROWS_AT_ONCE}`

const MAX_SPANS = 50_000

/** SQL: the span is within the limit given by the parameters `cutStart` and `cutSpanId`. */
export const withinLimit = `(start < {cutStart:UInt64} or (start = {cutStart:UInt64} and hex(span_id) <= {cutSpanId:String}))`

/**
 * Computes how much of a trace fits into a response. Adds up sizes, earliest span first, without
 * sorting or holding whole spans. Duplicates of a span count once. `undefined` when no span
 * matches.
 *
 * @param condition SQL condition that selects the spans
 */
export async function findTraceLimit(
  store: Store,
  condition: string,
  params: Readonly<Record<string, string | number>>,
  options: QueryOptions,
): Promise<TraceLimit | undefined> {
  const rows = await store.query<{ spanId: string; first: string; bytes: string }>(
    `select hex(span_id) as spanId, min(start) as first, any(size) as bytes
    from (
      select span_id, kind, service, start, 200 + byteSize(attrs.keys, attrs.values, status_message, trace_state, events.name,
        events.attrs.keys, events.attrs.values) as size
      from spans where ${condition})
    group by ${spanIdentity}
    order by first, spanId
    limit ${MAX_SPANS + 1}`,
    params,
    options,
  )
  let bytes = 0
  let count = 0
  for (const row of rows.slice(0, MAX_SPANS)) {
    bytes += Number(row.bytes)
    if (bytes > MAX_TRACE_BYTES && count > 0) break
    count++
  }
  const last = rows[count - 1]
  return last && { start: last.first, spanId: last.spanId, count, isLast: count === rows.length }
}
