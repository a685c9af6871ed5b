import type { RecordMetadata } from '@spanlink/api-schema'
import { NO_TRACE } from '../../links/linked-span.ts'
import { toSpanKey, type SpanIdentity } from '../../links/span-ref.ts'
import { messagingValue } from '../../records/messaging-sql.ts'
import { RECORD_FIELDS, UNKNOWN_RECORD } from '../../records/record-metadata.ts'
import { BY_IDS_SETTINGS, createRefSets } from '../../sql/id-parameters.ts'
import type { StoreAccess } from '../messaging-spans/find-messaging-spans.ts'
import type { MessageLink } from './delivery.ts'

type FoundLink = MessageLink & { readonly consumedRef: { readonly start: bigint } }

/**
 * Finds distinct links that these spans carry.
 *
 * @param fields others are ''; without any, the attributes, the largest column, are not read
 */
export async function findLinksFrom(
  access: StoreAccess,
  spans: readonly SpanIdentity[],
  fields = RECORD_FIELDS,
  limit = MAX_LINKS,
): Promise<FoundLink[]> {
  const { store, options } = access
  if (spans.length === 0) return []
  const sets = createRefSets(spans)
  const rows = await store.query<MessageLinkRow>(
    `select lower(hex(peer_trace_id)) as producerTraceId, lower(hex(peer_span_id)) as producerSpanId,
      lower(hex(trace_id)) as traceId, lower(hex(span_id)) as spanId, kind, service, start
      ${fields.map((field) => `, ${messagingValue(field)} as ${field}`).join('')}
    from span_links
    where trace_id in (${sets.traceIds}) and direction = 'out' and (trace_id, span_id) in (${sets.spans})
      and peer_trace_id != toFixedString(unhex('${NO_TRACE}'), 16)
    limit 1 by trace_id, span_id, peer_trace_id, peer_span_id, kind, service, ordinal
    limit ${limit}
    ${BY_IDS_SETTINGS}`,
    sets.params,
    options,
  )
  const keys = new Set(spans.map(toSpanKey))
  const links = rows.map(({ producerTraceId, producerSpanId, traceId, spanId, kind, service, start, ...record }) => ({
    producerRef: { traceId: producerTraceId, spanId: producerSpanId },
    consumedRef: { traceId, spanId, kind, service, start: BigInt(start) },
    ...UNKNOWN_RECORD,
    ...record,
  }))
  // Another span may share the id.
  return links.filter(({ consumedRef }) => keys.has(toSpanKey(consumedRef)))
}

const MAX_LINKS = 100_000

type MessageLinkRow = SpanIdentity &
  Partial<RecordMetadata> & {
    readonly producerTraceId: string
    readonly producerSpanId: string
    readonly start: string
  }
