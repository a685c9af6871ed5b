import type { QueryOptions, Store } from '../../../clickhouse/store.ts'
import { NO_SPAN } from '../../links/linked-span.ts'
import { BY_IDS_SETTINGS, createTraceIdSet } from '../../sql/id-parameters.ts'
import { messagingValue } from '../../records/messaging-sql.ts'
import { toRecordMetadata } from '../../records/record-metadata.ts'
import { filterByTraces } from '../../sql/span-bucket.ts'
import type { FlowSpanRow } from '../flow-span.ts'
import { toKindServiceKey } from '../../links/span-ref.ts'

/** Limits of spans per trace and per flow. */
const MAX_TRACE_SPANS = 20_000
export const MAX_SPANS = 100_000

export type LoadedSpans = {
  readonly rows: readonly FlowSpanRow[]
  /** The limits cut off spans. */
  readonly isTruncated: boolean
}

/**
 * Loads the spans of these traces by key, one granule per trace and bucket. A span that was sent
 * twice may be returned twice.
 *
 * @param maxSpans maximum of spans in total
 */
export async function loadSpans(
  store: Store,
  traceIds: readonly string[],
  options: QueryOptions,
  maxSpans = MAX_SPANS,
): Promise<LoadedSpans> {
  if (traceIds.length === 0) return { rows: [], isTruncated: false }
  const traces = createTraceIdSet('traceIds', traceIds)
  // One row per trace with a tuple per span: with a row per span, column names would be most of the
  // response, and of the time to parse it.
  const found = await store.query<{ readonly traceId: string; readonly spans: readonly SpanColumns[] }>(
    `select hex(trace_id) as traceId, groupArray((hex(span_id), hex(parent_span_id), service, name, kind, status, flags, start,
      duration, messaging_operation, cluster, topic, partition, message_offset, message_key, consumer_group)) as spans
    from (
      select trace_id, span_id, parent_span_id, service, name, kind, status, flags, start, duration, messaging_operation, cluster,
        topic, partition, message_offset, ${messagingValue('key')} as message_key, consumer_group
      from spans
      where ${filterByTraces(traces.sql)}
      order by trace_id, start, span_id, kind, service
      limit {perTrace:UInt32} by trace_id
      limit {rows:UInt32})
    group by trace_id
    ${BY_IDS_SETTINGS}`,
    { ...traces.params, perTrace: MAX_TRACE_SPANS + 1, rows: maxSpans + 1 },
    options,
  )
  const rows = found.flatMap(({ traceId, spans }) => {
    const id = traceId.toLowerCase()
    return spans.map((span) => toFlowSpanRow(id, span))
  })
  const isTruncated = rows.length > maxSpans || found.some(({ spans }) => spans.length > MAX_TRACE_SPANS)
  return { rows: rows.length > maxSpans ? rows.slice(0, maxSpans) : rows, isTruncated }
}

type SpanColumns = readonly [
  spanId: string,
  parentSpanId: string,
  service: string,
  name: string,
  kind: FlowSpanRow['kind'],
  status: FlowSpanRow['status'],
  flags: number,
  start: string,
  duration: string,
  operation: FlowSpanRow['operation'],
  cluster: string,
  topic: string,
  partition: string,
  offset: string,
  key: string,
  group: string,
]

function toFlowSpanRow(traceId: string, columns: SpanColumns): FlowSpanRow {
  const [spanId, parent, service, name, kind, status, flags, startText, duration, operation, ...messaging] = columns
  const [cluster, topic, partition, messageOffset, messageKey, group] = messaging
  const start = BigInt(startText)
  // The end that the duration was computed from, modulo 2^64.
  const end = BigInt.asUintN(64, start + BigInt(duration))
  return {
    traceId,
    spanId: spanId.toLowerCase(),
    parentSpanId: parent === NO_SPAN ? '' : parent.toLowerCase(),
    service,
    name,
    kind,
    status,
    flags,
    start,
    end: end < start ? start : end,
    operation,
    ...toRecordMetadata({ cluster, topic, partition, messageOffset, messageKey }),
    group,
    kindServiceKey: toKindServiceKey({ kind, service }),
  }
}
