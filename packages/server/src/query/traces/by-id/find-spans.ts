import type { FindSpansResponse } from '@spanlink/api-schema'
import { isTooHeavy } from '../../../clickhouse/store-error.ts'
import type { QueryOptions, Store } from '../../../clickhouse/store.ts'
import { fetchTraceHeads, fetchTraceRows, type TraceRowsRequest } from '../../trace-rows/fetch-trace-rows.ts'
import { identityHash, spanHead } from '../../trace-rows/head-sql.ts'
import type { Entries, SpanHead, SpanRow } from '../../trace-rows/trace-row.ts'
import { orderSpans } from './order-spans.ts'

const MAX_FOUND_SPANS = 10_000

/** Size of the rows in ClickHouse. */
const MAX_BYTES = 32 * 1024 * 1024

/** Returns the ids of spans that contain a text anywhere, in order of start. */
export async function findSpansByText(
  store: Store,
  traceId: string,
  text: string,
  options: QueryOptions,
): Promise<FindSpansResponse> {
  const spanIds = (await findSpans(store, traceId, text, options)).map((span) => span.spanId)
  return {
    spanIds: spanIds.slice(0, MAX_FOUND_SPANS),
    ...(spanIds.length > MAX_FOUND_SPANS ? { truncated: true as const } : {}),
  }
}

async function findSpans(
  store: Store,
  traceId: string,
  text: string,
  options: QueryOptions,
): Promise<readonly SpanHead[]> {
  // Bytes of a row contain its texts, so ClickHouse finds them without decoding rows.
  const rest = `and (positionCaseInsensitive(shape, {text:String}) > 0 or positionCaseInsensitive(body, {text:String}) > 0
    or lower(hex(span_id)) = {text:String})`
  const request: TraceRowsRequest = { traceIds: [traceId], type: 'span', rest, params: { text } }
  try {
    const settings = `, max_result_bytes = ${MAX_BYTES}`
    const { spans } = await fetchTraceRows(store, { ...request, settings }, options)
    const pattern = new RegExp(text.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`), 'i')
    return orderSpans(spans.filter((span) => span.spanId === text || containsText(span, pattern)))
  } catch (error) {
    if (!isTooHeavy(error)) throw error
  }
  // Then spans with the text in a link or another field that isn't searched are found, too.
  const order = `order by ${spanHead.start}, span_id limit 1 by span_id, ${identityHash} limit ${MAX_FOUND_SPANS + 1}`
  const { spans } = await fetchTraceHeads(store, { ...request, rest: `${rest} ${order}` }, options)
  return orderSpans(spans)
}

function containsText(span: SpanRow, pattern: RegExp): boolean {
  const contains = (text: string): boolean => pattern.test(text)
  const inEntries = (entries: Entries): boolean => entries.some(([key, value]) => contains(key) || contains(value))
  return (
    contains(span.name) ||
    contains(span.service) ||
    contains(span.statusMessage) ||
    inEntries(span.attributes) ||
    span.events.some((event) => contains(event.name) || inEntries(event.attributes))
  )
}
