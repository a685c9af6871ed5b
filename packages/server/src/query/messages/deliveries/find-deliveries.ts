import { producingOperations } from '../../../clickhouse/insert/messaging/semconv.ts'
import type { QueryOptions, Store } from '../../../clickhouse/store.ts'
import { type Delivery, isSameMessage, type LinkedEnds, toDelivery } from './delivery.ts'
import type { SpanRef } from '../../links/linked-span.ts'
import { consumingChildren, endsByRef } from '../endpoints/find-endpoints.ts'
import { isConsuming, keyOf, type MessageEnd } from '../endpoints/message-endpoint.ts'
import { linksOf } from './message-links.ts'
import type { TracesRead } from '../retries/trace-cache.ts'

/** Where spans are looked up. */
export type EndsFrom = Pick<TracesRead, 'endsByRef' | 'consumingChildren'>

/**
 * Each span by itself: right where few spans of many traces are looked at.
 *
 * @param known consumers, which needn't be looked up
 */
export function oneByOne(store: Store, options: QueryOptions, known: readonly MessageEnd[] = []): EndsFrom {
  const knownByKey = new Map(known.map((end) => [keyOf(end), end]))
  return {
    endsByRef: async (refs, side) => {
      const knownOf = (ref: SpanRef): MessageEnd | undefined =>
        side === 'consumer' ? knownByKey.get(keyOf(ref)) : undefined
      const others = refs.filter((ref) => knownOf(ref) === undefined)
      const found = await endsByRef(store, others, side, options)
      for (const ref of refs) {
        const end = knownOf(ref)
        if (end !== undefined) found.set(keyOf(ref), end)
      }
      return found
    },
    consumingChildren: (parents) => consumingChildren(store, parents, options),
  }
}

/**
 * What took the messages of these producers, over links of any age and as children.
 *
 * @param from @default each by itself
 */
export async function deliveriesOf(
  store: Store,
  producers: readonly MessageEnd[],
  options: QueryOptions,
  from: EndsFrom = oneByOne(store, options),
): Promise<Delivery[]> {
  const [links, children] = await Promise.all([
    linksOf(store, producers, 'in', options),
    from.consumingChildren(producers),
  ])
  const consumers = await from.endsByRef(
    links.map((link) => ({ ...link.consumedRef, start: link.consumedAt })),
    'consumer',
  )
  for (const child of children) consumers.set(keyOf(child), child)
  return complete([...links, ...untold(links, children)], new Map(producers.map((end) => [keyOf(end), end])), consumers)
}

/**
 * What producer the messages that these consumers took: what their links point at, and their
 * parents where they have none. Where that is another consuming span, such as kotel's `receive`
 * above `process`, the producer of its message.
 *
 * @param from @default each by itself
 */
export async function originsOf(
  store: Store,
  of: readonly MessageEnd[],
  options: QueryOptions,
  from: EndsFrom = oneByOne(store, options),
  maxHandovers = MAX_HANDOVERS,
): Promise<Delivery[]> {
  const consumersByKey = new Map(of.map((end) => [keyOf(end), end]))
  const consumers = [...consumersByKey.values()]
  const links = await linksOf(store, consumers, 'out', options)
  const linked = new Set(links.map((link) => keyOf(link.consumedRef)))
  const unlinked = consumers.filter((end) => !linked.has(keyOf(end)))
  const parented = unlinked.filter((end) => end.parentSpanId !== '')
  // A producer that shares the consumer's id comes before the consumer's parent.
  const sharing = unlinked.map((end) => ({ ...end, parentSpanId: end.spanId }))
  const candidates = [...links, ...untold(links, [...sharing, ...parented])]
  const startOf = new Map(consumers.map((end) => [keyOf(end), end.start]))
  const causes = await from.endsByRef(
    // Mostly it was sent in the minute before it was taken; a parent lies in the consumer's trace.
    candidates.map((link) => ({ ...link.producerRef, before: startOf.get(keyOf(link.consumedRef)) })),
    'producer',
  )
  const isShared = (ref: SpanRef): boolean => {
    const own = causes.get(keyOf(ref))
    return own !== undefined && producingOperations.has(own.operation)
  }
  const all = candidates.filter(({ producerRef, consumedRef }) => {
    const isOwn = keyOf(producerRef) === keyOf(consumedRef)
    return linked.has(keyOf(consumedRef)) || isOwn === isShared(consumedRef)
  })
  const origins = complete(all, causes, consumersByKey)
  const resolved = new Set(origins.flatMap((one) => (one.producer ? [keyOf(one.consumedRef)] : [])))
  const handovers = all.flatMap(({ producerRef, consumedRef }) => {
    const [outer, inner] = [causes.get(keyOf(producerRef)), consumersByKey.get(keyOf(consumedRef))]
    if (outer === undefined || inner === undefined || resolved.has(keyOf(inner)) || !isConsuming(outer)) return []
    return isSameMessage(outer, inner) ? [{ outer, inner }] : []
  })
  if (handovers.length === 0 || maxHandovers === 0) return origins
  const outers = [...new Map(handovers.map(({ outer }) => [keyOf(outer), outer])).values()]
  const above = Map.groupBy(await originsOf(store, outers, options, from, maxHandovers - 1), ({ consumedRef }) =>
    keyOf(consumedRef),
  )
  return [
    ...origins,
    ...handovers.flatMap(({ outer, inner }) =>
      (above.get(keyOf(outer)) ?? [])
        .filter((one) => isSameMessage(one, inner))
        .map((one) => toDelivery(one, one.consumed ?? outer, inner)),
    ),
  ]
}

/**
 * Consuming spans between a consumer and the producer: a batch's `receive` and `process`, and that
 * of a message.
 */
const MAX_HANDOVERS = 3

/** Children that no link tells as well. */
function untold(links: readonly LinkedEnds[], children: readonly MessageEnd[]): LinkedEnds[] {
  const told = new Set(links.map((link) => keyOf(link.producerRef) + keyOf(link.consumedRef)))
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
    .filter((link) => !told.has(keyOf(link.producerRef) + keyOf(link.consumedRef)))
}

function complete(
  links: readonly LinkedEnds[],
  producers: ReadonlyMap<string, MessageEnd>,
  consumers: ReadonlyMap<string, MessageEnd>,
): Delivery[] {
  return links.flatMap((link) => {
    const producer = producers.get(keyOf(link.producerRef))
    const consumed = consumers.get(keyOf(link.consumedRef))
    // A consumer's parent that consumes is where it runs; a send that links to a creation context
    // consumes nothing.
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
