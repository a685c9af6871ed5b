import { type Delivery, type MessageLink, toInnerDelivery } from './delivery.ts'
import { selectIdentity, toRefKey, toSpanKey, type SpanRef } from '../../links/span-ref.ts'
import { isSameMessage, UNKNOWN_RECORD } from '../../records/record-metadata.ts'
import { isConsuming, type MessagingSpan } from '../messaging-spans/messaging-span.ts'
import { includesProducer, mayShareDistantId, selectProducer } from '../messaging-spans/shared-ids.ts'
import { keyBySpan, type TimedRef } from '../messaging-spans/find-messaging-spans.ts'
import type { SpanLookup } from '../messaging-spans/span-lookup.ts'

/**
 * Finds the consumers of these producers' messages: through links of any age, and as children.
 *
 * @param unstored contexts of producers that are not stored: consumers are found through links only
 */
export async function findDeliveries(
  lookup: SpanLookup,
  producers: readonly MessagingSpan[],
  unstored: readonly SpanRef[] = [],
): Promise<Delivery[]> {
  const [links, children] = await Promise.all([
    lookup.linksTo([...producers, ...unstored]),
    lookup.consumingChildren(producers),
  ])
  const consumers: Map<string, MessagingSpan> = await lookup.spansByIdentity(
    links.map(({ consumedRef }) => consumedRef),
  )
  for (const child of children) consumers.set(toSpanKey(child), child)
  const producersByRef = new Map(producers.map((producer) => [toRefKey(producer), producer]))
  const linked = new Set(links.map(toLinkKey))
  return resolveDeliveries(
    [...links, ...children.map(toParentLink).filter((link) => !linked.has(toLinkKey(link)))],
    ({ producerRef }) => producersByRef.get(toRefKey(producerRef)),
    consumers,
  )
}

/**
 * Finds the deliveries to these consumers: the producers of their messages, through their links, or
 * their parents when they have none. If that span consumes too, such as kotel's `receive` above
 * `process`, returns the producer of its message.
 */
export async function findIncomingDeliveries(
  lookup: SpanLookup,
  consumers: readonly MessagingSpan[],
  maxHandovers = MAX_PROCESSING_DEPTH,
): Promise<Delivery[]> {
  const consumersByKey = keyBySpan(consumers)
  const distinct = [...consumersByKey.values()]
  const links = await lookup.linksFrom(distinct)
  const linked = new Set(links.map((link) => toSpanKey(link.consumedRef)))
  const unlinked = distinct.filter((consumer) => !linked.has(toSpanKey(consumer)))
  const parented = unlinked.filter((consumer) => consumer.parentSpanId !== '')
  // A producer that shares the consumer's id takes precedence over the consumer's parent.
  const sharing = unlinked.map((consumer) => ({ ...consumer, parentSpanId: consumer.spanId }))
  const candidates = [...links, ...[...sharing, ...parented].map(toParentLink)]
  const toCauseRef = ({ producerRef, consumedRef }: MessageLink): TimedRef => {
    return { ...producerRef, before: consumersByKey.get(toSpanKey(consumedRef))?.start }
  }
  const causes = await lookup.causesByRef(
    [...links, ...parented.map(toParentLink)].map(toCauseRef),
    sharing.map(toParentLink).map(toCauseRef),
  )
  // A producer that shares the id of its consumer may be of any age.
  const open = unlinked.filter((consumer) => mayShareDistantId(consumer, causes))
  for (const [key, sharers] of await lookup.spansByRef(open.map(selectIdentity))) causes.set(key, sharers)
  const causeOf = ({ producerRef, consumedRef }: MessageLink): MessagingSpan | undefined =>
    selectProducer(causes.get(toRefKey(producerRef)), consumedRef)
  const isShared = (consumedRef: SpanRef): boolean => includesProducer(causes.get(toRefKey(consumedRef)))
  const all = candidates.filter(({ producerRef, consumedRef }) => {
    const isOwn = toRefKey(producerRef) === toRefKey(consumedRef)
    return linked.has(toSpanKey(consumedRef)) || isOwn === isShared(consumedRef)
  })
  const direct = resolveDeliveries(all, causeOf, consumersByKey)
  const resolved = new Set(direct.flatMap((one) => (one.producer ? [toSpanKey(one.consumedRef)] : [])))
  const handovers = all.flatMap((link) => {
    const [outer, inner] = [causeOf(link), consumersByKey.get(toSpanKey(link.consumedRef))]
    if (outer === undefined || inner === undefined || resolved.has(toSpanKey(inner)) || !isConsuming(outer)) return []
    return isSameMessage(outer, inner) ? [{ outer, inner }] : []
  })
  if (handovers.length === 0 || maxHandovers === 0) return direct
  const outers = [...keyBySpan(handovers.map(({ outer }) => outer)).values()]
  const outerDeliveries = Map.groupBy(
    await findIncomingDeliveries(lookup, outers, maxHandovers - 1),
    ({ consumedRef }) => toSpanKey(consumedRef),
  )
  return [
    ...direct,
    ...handovers.flatMap(({ outer, inner }) =>
      (outerDeliveries.get(toSpanKey(outer)) ?? [])
        .filter((one) => isSameMessage(one, inner))
        .map((one) => toInnerDelivery(one, one.consumed ?? outer, inner)),
    ),
  ]
}

/**
 * Consuming spans between a consumer and the producer: `receive` and `process` of a batch, and
 * `process` of a message.
 */
const MAX_PROCESSING_DEPTH = 3

/** A consumer as if it linked to its parent. */
function toParentLink(child: MessagingSpan): MessageLink {
  const producerRef = { traceId: child.traceId, spanId: child.parentSpanId }
  return { producerRef, consumedRef: selectIdentity(child), ...UNKNOWN_RECORD }
}

function toLinkKey({ producerRef, consumedRef }: MessageLink): string {
  return toRefKey(producerRef) + toSpanKey(consumedRef)
}

function resolveDeliveries(
  links: readonly MessageLink[],
  producerOf: (link: MessageLink) => MessagingSpan | undefined,
  consumers: ReadonlyMap<string, MessagingSpan>,
): Delivery[] {
  return links.flatMap((link) => {
    const producer = producerOf(link)
    const consumed = consumers.get(toSpanKey(link.consumedRef))
    // A consuming parent is only the context it runs in. A linking span that does not consume is a
    // send that links to its creation context.
    if (producer !== undefined && isConsuming(producer)) return []
    if (consumed !== undefined && !isConsuming(consumed)) return []
    return [
      {
        ...link,
        producer,
        consumed,
        linked: { topic: link.topic, partition: link.partition, offset: link.offset },
        topic: link.topic || consumed?.topic || producer?.topic || '',
        partition: link.partition || consumed?.partition || producer?.partition || '',
        offset: link.offset || consumed?.offset || producer?.offset || '',
      },
    ]
  })
}
