import type { QueryOptions, Store } from '../../../clickhouse/store.ts'
import { NO_TRACE } from '../../links/linked-span.ts'
import { toSpanKey, type SpanIdentity, type SpanRef } from '../../links/span-ref.ts'
import { BY_IDS_SETTINGS, createRefSets } from '../../sql/id-parameters.ts'
import { messagingValue } from '../../records/messaging-sql.ts'
import type { MessageLink } from './delivery.ts'

type FoundLink = MessageLink & { readonly consumedAt: bigint }

/**
 * Fetches distinct links that point to these spans (`in`), stored or not, or that these spans carry
 * (`out`).
 */
export async function findMessageLinks(
  store: Store,
  spans: readonly SpanRef[],
  direction: 'in',
  options: QueryOptions,
): Promise<FoundLink[]>
export async function findMessageLinks(
  store: Store,
  spans: readonly SpanIdentity[],
  direction: 'in' | 'out',
  options: QueryOptions,
): Promise<FoundLink[]>
export async function findMessageLinks(
  store: Store,
  spans: readonly (SpanRef & Partial<SpanIdentity>)[],
  direction: 'in' | 'out',
  options: QueryOptions,
): Promise<FoundLink[]> {
  if (spans.length === 0) return []
  const sets = createRefSets(spans)
  const rows = await store.query<MessageLinkRow>(
    `select lower(hex(trace_id)) as traceId, lower(hex(span_id)) as spanId, lower(hex(peer_trace_id)) as peerTraceId,
      lower(hex(peer_span_id)) as peerSpanId, kind, service, start, ${messagingValue('topic')} as topic,
      ${messagingValue('partition')} as partition, ${messagingValue('offset')} as offset,
      ${messagingValue('cluster')} as cluster, ${messagingValue('key')} as key
    from span_links
    where trace_id in (${sets.traceIds}) and direction = {direction:String} and (trace_id, span_id) in (${sets.spans})
      and peer_trace_id != toFixedString(unhex('${NO_TRACE}'), 16)
    limit 1 by trace_id, span_id, peer_trace_id, peer_span_id, kind, service, ordinal
    limit ${MAX_LINKS}
    ${BY_IDS_SETTINGS}`,
    { ...sets.params, direction },
    options,
  )
  const keys = new Set(
    spans.flatMap(({ traceId, spanId, kind, service }) =>
      kind === undefined || service === undefined ? [] : [toSpanKey({ traceId, spanId, kind, service })],
    ),
  )
  return rows.flatMap(({ traceId, spanId, peerTraceId, peerSpanId, kind, service, start, ...record }) => {
    const [own, peer] = [
      { traceId, spanId },
      { traceId: peerTraceId, spanId: peerSpanId },
    ]
    const [producerRef, consumedRef] =
      direction === 'in' ? [own, { ...peer, kind, service }] : [peer, { ...own, kind, service }]
    // Another span that shares the id carries this link.
    if (direction === 'out' && !keys.has(toSpanKey(consumedRef))) return []
    return [{ producerRef, consumedRef, ...record, consumedAt: BigInt(start) }]
  })
}

const MAX_LINKS = 100_000

/** `kind` and `service` are those of the carrying span, in both directions. */
type MessageLinkRow = SpanIdentity & {
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
