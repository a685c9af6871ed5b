import { producingOperations } from '../../../clickhouse/insert/messaging/semconv.ts'
import type { QueryOptions, Store } from '../../../clickhouse/store.ts'
import { type Delivery, isSameMessage, type MessageLink, toInnerDelivery } from './delivery.ts'
import type { SpanRef } from '../../links/linked-span.ts'
import { findConsumingChildren, findEndpoints } from '../endpoints/find-endpoints.ts'
import { isConsuming, toSpanKey, type MessageEndpoint } from '../endpoints/message-endpoint.ts'
import { findMessageLinks } from './message-links.ts'
import type { TraceCache } from '../retries/trace-cache.ts'

/** Looks up spans by reference or parent. */
export type EndpointSource = Pick<TraceCache, 'endsByRef' | 'consumingChildren'>

/**
 * Looks up single spans; suits requests for few spans of many traces.
 *
 * @param known consumers that need no lookup
 */
export function createEndpointLookup(
  store: Store,
  options: QueryOptions,
  known: readonly MessageEndpoint[] = [],
): EndpointSource {
  const knownByKey = new Map(known.map((end) => [toSpanKey(end), end]))
  return {
    endsByRef: async (refs, side) => {
      const knownOf = (ref: SpanRef): MessageEndpoint | undefined =>
        side === 'consumer' ? knownByKey.get(toSpanKey(ref)) : undefined
      const others = refs.filter((ref) => knownOf(ref) === undefined)
      const found = await findEndpoints(store, others, side, options)
      for (const ref of refs) {
        const end = knownOf(ref)
        if (end !== undefined) found.set(toSpanKey(ref), end)
      }
      return found
    },
    consumingChildren: (parents) => findConsumingChildren(store, parents, options),
  }
}

/**
 * Finds the consumers of these producers' messages: through links of any age, and as children.
 *
 * @param from @default single spans
 */
export async function findDeliveries(
  store: Store,
  producers: readonly MessageEndpoint[],
  options: QueryOptions,
  from: EndpointSource = createEndpointLookup(store, options),
): Promise<Delivery[]> {
  const [links, children] = await Promise.all([
    findMessageLinks(store, producers, 'in', options),
    from.consumingChildren(producers),
  ])
  const consumers = await from.endsByRef(
    links.map((link) => ({ ...link.consumedRef, start: link.consumedAt })),
    'consumer',
  )
  for (const child of children) consumers.set(toSpanKey(child), child)
  return resolveDeliveries(
    [...links, ...excludeLinkedChildren(links, children)],
    new Map(producers.map((end) => [toSpanKey(end), end])),
    consumers,
  )
}

/**
 * Finds the producers of the messages that these consumers received, through their links, or their
 * parents when they have none. If that span consumes too, such as kotel's `receive` above
 * `process`, returns the producer of its message.
 *
 * @param from @default single spans
 */
export async function findMessageOrigins(
  store: Store,
  of: readonly MessageEndpoint[],
  options: QueryOptions,
  from: EndpointSource = createEndpointLookup(store, options),
  maxHandovers = MAX_PROCESSING_DEPTH,
): Promise<Delivery[]> {
  const consumersByKey = new Map(of.map((end) => [toSpanKey(end), end]))
  const consumers = [...consumersByKey.values()]
  const links = await findMessageLinks(store, consumers, 'out', options)
  const linked = new Set(links.map((link) => toSpanKey(link.consumedRef)))
  const unlinked = consumers.filter((end) => !linked.has(toSpanKey(end)))
  const parented = unlinked.filter((end) => end.parentSpanId !== '')
  // A producer that shares the consumer's id takes precedence over the consumer's parent.
  const sharing = unlinked.map((end) => ({ ...end, parentSpanId: end.spanId }))
  const candidates = [...links, ...excludeLinkedChildren(links, [...sharing, ...parented])]
  const startOf = new Map(consumers.map((end) => [toSpanKey(end), end.start]))
  const causes = await from.endsByRef(
    // Most messages are sent within a minute before the consumer starts; a parent is in its trace.
    candidates.map((link) => ({ ...link.producerRef, before: startOf.get(toSpanKey(link.consumedRef)) })),
    'producer',
  )
  const isShared = (ref: SpanRef): boolean => {
    const own = causes.get(toSpanKey(ref))
    return own !== undefined && producingOperations.has(own.operation)
  }
  const all = candidates.filter(({ producerRef, consumedRef }) => {
    const isOwn = toSpanKey(producerRef) === toSpanKey(consumedRef)
    return linked.has(toSpanKey(consumedRef)) || isOwn === isShared(consumedRef)
  })
  const origins = resolveDeliveries(all, causes, consumersByKey)
  const resolved = new Set(origins.flatMap((one) => (one.producer ? [toSpanKey(one.consumedRef)] : [])))
  const handovers = all.flatMap(({ producerRef, consumedRef }) => {
    const [outer, inner] = [causes.get(toSpanKey(producerRef)), consumersByKey.get(toSpanKey(consumedRef))]
    if (outer === undefined || inner === undefined || resolved.has(toSpanKey(inner)) || !isConsuming(outer)) return []
    return isSameMessage(outer, inner) ? [{ outer, inner }] : []
  })
  if (handovers.length === 0 || maxHandovers === 0) return origins
  const outers = [...new Map(handovers.map(({ outer }) => [toSpanKey(outer), outer])).values()]
  const above = Map.groupBy(
    await findMessageOrigins(store, outers, options, from, maxHandovers - 1),
    ({ consumedRef }) => toSpanKey(consumedRef),
  )
  return [
    ...origins,
    ...handovers.flatMap(({ outer, inner }) =>
      (above.get(toSpanKey(outer)) ?? [])
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

/** Excludes children that also have a link. */
function excludeLinkedChildren(links: readonly MessageLink[], children: readonly MessageEndpoint[]): MessageLink[] {
  const told = new Set(links.map((link) => toSpanKey(link.producerRef) + toSpanKey(link.consumedRef)))
  return children
    .map((child) => ({
      producerRef: { traceId: child.traceId, spanId: child.parentSpanId },
      consumedRef: { traceId: child.traceId, spanId: child.spanId },
      topic: '',
      partition: '',
      offset: '',
      cluster: '',
      key: '',
    }))
    .filter((link) => !told.has(toSpanKey(link.producerRef) + toSpanKey(link.consumedRef)))
}

function resolveDeliveries(
  links: readonly MessageLink[],
  producers: ReadonlyMap<string, MessageEndpoint>,
  consumers: ReadonlyMap<string, MessageEndpoint>,
): Delivery[] {
  return links.flatMap((link) => {
    const producer = producers.get(toSpanKey(link.producerRef))
    const consumed = consumers.get(toSpanKey(link.consumedRef))
    // A consuming parent is only the context it runs in. A carrier that does not consume is a send
    // that links to its creation context.
    if (producer !== undefined && isConsuming(producer)) return []
    if (consumed !== undefined && !isConsuming(consumed)) return []
    return [
      {
        ...link,
        producer,
        consumed,
        topic: link.topic || consumed?.topic || producer?.topic || '',
        partition: link.partition || consumed?.partition || producer?.partition || '',
        offset: link.offset || consumed?.offset || producer?.offset || '',
      },
    ]
  })
}
