import type { QueryOptions, Store } from '../../../clickhouse/store.ts'
import type { EndpointSource } from './find-deliveries.ts'
import { type Delivery, isSameOrUnknown, isSameMessage, toInnerDelivery } from './delivery.ts'
import { isConsuming, toSpanKey, type MessageEndpoint } from '../endpoints/message-endpoint.ts'
import { findMessageLinks } from './message-links.ts'

/**
 * Adds deliveries for the spans that processed a message below a consuming span. kotel's `process`
 * span links to, or is a child of, the `receive` span, and only `receive` links to the producer.
 * Spans that link to a producer themselves already have a delivery.
 */
export async function addProcessingSpans(
  store: Store,
  deliveries: readonly Delivery[],
  options: QueryOptions,
  from: EndpointSource,
): Promise<Delivery[]> {
  const outer = new Map(
    deliveries.flatMap(({ consumed }) => (consumed ? [[toSpanKey(consumed), consumed] as const] : [])),
  )
  if (outer.size === 0) return [...deliveries]
  const [links, children] = await Promise.all([
    findMessageLinks(store, [...outer.values()], 'in', options),
    from.consumingChildren([...outer.values()]),
  ])
  const carriers = await from.endsByRef(
    links.map((link) => ({ ...link.consumedRef, start: link.consumedAt })),
    'consumer',
  )
  const candidates: ProcessingSpan[] = [
    ...children.map((inner) => ({ outerKey: inner.traceId + inner.parentSpanId, inner })),
    ...links.flatMap((link) => {
      const inner = carriers.get(toSpanKey(link.consumedRef))
      return inner && isConsuming(inner) ? [{ outerKey: toSpanKey(link.producerRef), inner }] : []
    }),
  ].filter(({ inner }) => !outer.has(toSpanKey(inner)))
  if (candidates.length === 0) return [...deliveries]
  const inner = new Map(candidates.map((one) => [toSpanKey(one.inner), one.inner]))
  const handing = candidates.flatMap(({ outerKey }) => outer.get(outerKey) ?? [])
  const targets = Map.groupBy(
    await findMessageLinks(store, [...inner.values(), ...new Set(handing)], 'out', options),
    ({ consumedRef }) => toSpanKey(consumedRef),
  )
  const handovers = candidates.filter(({ outerKey, inner }) =>
    (targets.get(toSpanKey(inner)) ?? []).every(({ producerRef }) => toSpanKey(producerRef) === outerKey),
  )
  const handoversOf = Map.groupBy(handovers, ({ outerKey }) => outerKey)
  return deliveries.flatMap((delivery) => {
    const { consumed } = delivery
    if (consumed === undefined) return [delivery]
    const key = toSpanKey(consumed)
    const isBatch = (targets.get(key)?.length ?? 0) > 1
    const taken = (handoversOf.get(key) ?? []).filter((one) => isSameDelivery(delivery, consumed, one.inner, isBatch))
    return [delivery, ...taken.map((one) => toInnerDelivery(delivery, consumed, one.inner))]
  })
}

type ProcessingSpan = { readonly outerKey: string; readonly inner: MessageEndpoint }

function isSameDelivery(delivery: Delivery, outer: MessageEndpoint, inner: MessageEndpoint, isBatch: boolean): boolean {
  // In a batch, only the offset identifies the message.
  if (isBatch && (delivery.offset === '' || inner.offset === '')) return false
  return isSameMessage(delivery, inner) && isSameOrUnknown(outer.group, inner.group)
}
