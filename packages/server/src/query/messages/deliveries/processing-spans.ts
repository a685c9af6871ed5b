import type { QueryOptions, Store } from '../../../clickhouse/store.ts'
import type { EndsFrom } from './find-deliveries.ts'
import { type Delivery, isSame, isSameMessage, toDelivery } from './delivery.ts'
import { isConsuming, keyOf, type MessageEnd } from '../endpoints/message-endpoint.ts'
import { linksOf } from './message-links.ts'

/**
 * Adds the spans that a consuming span handed its message to. kotel's `process` span links to, or
 * is a child of, the `receive` span, and only that one names the producer. A span that names a
 * producer itself has its own delivery.
 */
export async function withHandovers(
  store: Store,
  deliveries: readonly Delivery[],
  options: QueryOptions,
  from: EndsFrom,
): Promise<Delivery[]> {
  const outer = new Map(deliveries.flatMap(({ consumed }) => (consumed ? [[keyOf(consumed), consumed] as const] : [])))
  if (outer.size === 0) return [...deliveries]
  const [links, children] = await Promise.all([
    linksOf(store, [...outer.values()], 'in', options),
    from.consumingChildren([...outer.values()]),
  ])
  const carriers = await from.endsByRef(
    links.map((link) => ({ ...link.consumedRef, start: link.consumedAt })),
    'consumer',
  )
  const candidates: Handover[] = [
    ...children.map((inner) => ({ outerKey: inner.traceId + inner.parentSpanId, inner })),
    ...links.flatMap((link) => {
      const inner = carriers.get(keyOf(link.consumedRef))
      return inner && isConsuming(inner) ? [{ outerKey: keyOf(link.producerRef), inner }] : []
    }),
  ].filter(({ inner }) => !outer.has(keyOf(inner)))
  if (candidates.length === 0) return [...deliveries]
  const inner = new Map(candidates.map((one) => [keyOf(one.inner), one.inner]))
  const handing = candidates.flatMap(({ outerKey }) => outer.get(outerKey) ?? [])
  const targets = Map.groupBy(
    await linksOf(store, [...inner.values(), ...new Set(handing)], 'out', options),
    ({ consumedRef }) => keyOf(consumedRef),
  )
  const handovers = candidates.filter(({ outerKey, inner }) =>
    (targets.get(keyOf(inner)) ?? []).every(({ producerRef }) => keyOf(producerRef) === outerKey),
  )
  const handoversOf = Map.groupBy(handovers, ({ outerKey }) => outerKey)
  return deliveries.flatMap((delivery) => {
    const { consumed } = delivery
    if (consumed === undefined) return [delivery]
    const key = keyOf(consumed)
    const isBatch = (targets.get(key)?.length ?? 0) > 1
    const taken = (handoversOf.get(key) ?? []).filter((one) => isHandedOver(delivery, consumed, one.inner, isBatch))
    return [delivery, ...taken.map((one) => toDelivery(delivery, consumed, one.inner))]
  })
}

type Handover = { readonly outerKey: string; readonly inner: MessageEnd }

function isHandedOver(delivery: Delivery, outer: MessageEnd, inner: MessageEnd, isBatch: boolean): boolean {
  // Of a batch, the offset alone tells which of its messages it is.
  if (isBatch && (delivery.offset === '' || inner.offset === '')) return false
  return isSameMessage(delivery, inner) && isSame(outer.group, inner.group)
}
