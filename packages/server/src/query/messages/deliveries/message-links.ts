import type { QueryOptions, Store } from '../../../clickhouse/store.ts'
import { NO_TRACE, type SpanRef } from '../../links/linked-span.ts'
import { BY_IDS_SETTINGS, createSpanRefSet, createTraceIdSet } from '../../sql/id-parameters.ts'
import { messagingValue } from '../../messaging/messaging-sql.ts'
import type { MessageLink } from './delivery.ts'
import type { MessageEndpoint } from '../endpoints/message-endpoint.ts'

/** Fetches distinct links that point to these spans (`in`) or that these spans carry (`out`). */
export async function findMessageLinks(
  store: Store,
  ends: readonly MessageEndpoint[],
  direction: 'in' | 'out',
  options: QueryOptions,
): Promise<(MessageLink & { readonly consumedAt: bigint })[]> {
  if (ends.length === 0) return []
  const traces = createTraceIdSet(
    'traceIds',
    ends.map((end) => end.traceId),
  )
  const wanted = createSpanRefSet('refs', ends)
  const rows = await store.query<LinkRow>(
    `select lower(hex(trace_id)) as traceId, lower(hex(span_id)) as spanId, lower(hex(peer_trace_id)) as peerTraceId,
      lower(hex(peer_span_id)) as peerSpanId, start, ${messagingValue('topic')} as topic,
      ${messagingValue('partition')} as partition, ${messagingValue('offset')} as offset,
      ${messagingValue('cluster')} as cluster, ${messagingValue('key')} as key
    from span_links
    where trace_id in (${traces.sql}) and direction = {direction:String} and (trace_id, span_id) in (${wanted.sql})
      and peer_trace_id != toFixedString(unhex('${NO_TRACE}'), 16)
    limit 1 by trace_id, span_id, peer_trace_id, peer_span_id, ordinal
    limit ${MAX_LINKS}
    ${BY_IDS_SETTINGS}`,
    { ...traces.params, ...wanted.params, direction },
    options,
  )
  return rows.map(({ traceId, spanId, peerTraceId, peerSpanId, start, ...told }) => {
    const said = { ...told, consumedAt: BigInt(start) }
    const [here, there] = [
      { traceId, spanId },
      { traceId: peerTraceId, spanId: peerSpanId },
    ]
    return direction === 'in'
      ? { producerRef: here, consumedRef: there, ...said }
      : { producerRef: there, consumedRef: here, ...said }
  })
}

const MAX_LINKS = 100_000

type LinkRow = SpanRef & {
  readonly peerTraceId: string
  readonly peerSpanId: string
  /** Start of the carrying span, the consumer, in both directions. */
  readonly start: string
  readonly topic: string
  readonly partition: string
  readonly offset: string
  readonly cluster: string
  readonly key: string
}
