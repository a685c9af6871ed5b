import { messagingOperations } from '../../../clickhouse/insert/messaging/semconv.ts'
import {
  decodeByte,
  decodeCount,
  decodeEnum,
  decodeHex,
  decodeText,
  decodeUInt64,
} from '../../../clickhouse/read/column-decoders.ts'
import type { QueryParams } from '../../../clickhouse/store.ts'
import { NO_SPAN, NO_TRACE } from '../../links/linked-span.ts'
import { messagingValue } from '../../records/messaging-sql.ts'
import { type RowOf, selectRows } from '../../sql/select-rows.ts'
import { inWindow, toWindowParams } from '../../sql/time-window.ts'
import { KINDS, STATUSES } from '../../trace-rows/trace-row.ts'
import type { TopologyRequest } from '../topology-request.ts'
import { addSpan, type SampledLink, type SampledSpan, type TraceSample, type TraceSpans } from './sampled-span.ts'

export type SpanScan = {
  /** SQL: spans of a trace id, and links to them, are in the sample. @default all */
  readonly inSample?: (traceId: string) => string
  /** SQL of a span. @default any */
  readonly condition?: string
  readonly params?: QueryParams
  /** Reads what links name where spans name no topic: attributes are the largest column. */
  readonly withLinkRecords: boolean
}

/** Limit of rows: spans, or links of those that have several. */
const MAX_ROWS = 100_000

/** SQL: the span consumes messages. */
export const CONSUMING = `messaging_operation in ('receive', 'process')`

const columns = {
  traceId: ['trace_id', decodeHex],
  spanId: ['span_id', decodeHex],
  parentSpanId: ['parent_span_id', decodeHex],
  start: ['start', decodeUInt64],
  end: ['toUInt64(start + duration)', decodeUInt64],
  kind: ['kind', decodeEnum(KINDS)],
  status: ['status', decodeEnum(STATUSES)],
  service: ['service', decodeText],
  operation: ['messaging_operation', decodeEnum(messagingOperations)],
  cluster: ['cluster', decodeText],
  topic: ['topic', decodeText],
  partition: ['partition', decodeText],
  offset: [`if(message_offset = -1, '', toString(message_offset))`, decodeText],
  group: ['consumer_group', decodeText],
  linkCount: ['length(links.trace_id)', decodeCount],
  linkedTraceId: ['link.1', decodeHex],
  linkedSpanId: ['link.2', decodeHex],
  linkCluster: ['link.3', decodeText],
  linkTopic: ['link.4', decodeText],
  linkPartition: ['link.5', decodeText],
  linkOffset: ['link.6', decodeText],
} as const

/** Reads spans of the window, and links of consuming ones, from the search rows. */
export async function scanSpans(
  { store, window, options }: TopologyRequest,
  { inSample = () => 'true', condition = 'true', params, withLinkRecords }: SpanScan,
): Promise<Omit<TraceSample, 'oneIn'>> {
  const read = (field: 'cluster' | 'topic' | 'partition' | 'offset'): string =>
    withLinkRecords
      ? `arrayMap(attributes -> if(topic = '', ${messagingValue(field, 'attributes')}, ''), links.attrs)`
      : `arrayResize([''], length(links.trace_id), '')`
  const rows = await selectRows(
    store,
    { ...columns, isSampled: [`toUInt8(${inSample('trace_id')})`, decodeByte] } as const,
    `from spans
    left array join arrayFilter(one -> ${CONSUMING} and ${inSample('one.1')}, arrayZip(links.trace_id, links.span_id,
      ${read('cluster')}, ${read('topic')}, ${read('partition')}, ${read('offset')})) as link
    where ${inWindow} and ${condition}
      and (${inSample('trace_id')} or ${CONSUMING} and arrayExists(id -> ${inSample('id')}, links.trace_id))
    limit ${MAX_ROWS}`,
    { ...toWindowParams(window), ...params },
    options,
  )
  const traces = new Map<string, TraceSpans>()
  const links: SampledLink[] = []
  for (const row of rows) {
    const span = toSpan(row)
    if (row.isSampled() === 1) addSpan(traces, span)
    const target = { traceId: row.linkedTraceId(), spanId: row.linkedSpanId() }
    if (target.traceId === NO_TRACE) continue
    const [cluster, topic, partition, offset] = [
      row.linkCluster(),
      row.linkTopic(),
      row.linkPartition(),
      row.linkOffset(),
    ]
    links.push({ target, source: span, record: { cluster, topic, partition, offset } })
  }
  return { traces, links }
}

function toSpan(row: RowOf<typeof columns>): SampledSpan {
  const parentSpanId = row.parentSpanId()
  return {
    traceId: row.traceId(),
    spanId: row.spanId(),
    parentSpanId: parentSpanId === NO_SPAN ? '' : parentSpanId,
    start: row.start(),
    end: row.end(),
    kind: row.kind(),
    status: row.status(),
    service: row.service(),
    linkCount: row.linkCount(),
    operation: row.operation(),
    cluster: row.cluster(),
    topic: row.topic(),
    partition: row.partition(),
    offset: row.offset(),
    group: row.group(),
  }
}
