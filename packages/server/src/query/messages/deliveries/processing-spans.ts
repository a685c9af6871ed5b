import { isSameMessage, isSameOrUnknown } from '../../records/record-metadata.ts'
import { type Delivery, toInnerDelivery } from './delivery.ts'
import { toRefKey, toSpanKey, type SpanRef } from '../../links/span-ref.ts'
import { keyBySpan } from '../messaging-spans/find-messaging-spans.ts'
import type { SpanLookup } from '../messaging-spans/span-lookup.ts'
import { isConsuming, type MessagingSpan } from '../messaging-spans/messaging-span.ts'
import { selectParent } from '../messaging-spans/shared-ids.ts'

/**
 * Adds deliveries for the spans that processed a message below a consuming span. kotel's `process`
 * span links to, or is a child of, the `receive` span, and only `receive` links to the producer.
 * Spans that link to a producer themselves already have a delivery.
 */
export async function addProcessingSpans(lookup: SpanLookup, deliveries: readonly Delivery[]): Promise<Delivery[]> {
  const outers = keyBySpan(deliveries.flatMap(({ consumed }) => consumed ?? []))
  if (outers.size === 0) return [...deliveries]
  const [links, children] = await Promise.all([
    lookup.linksTo([...outers.values()]),
    lookup.consumingChildren([...outers.values()]),
  ])
  const linkingSpans = await lookup.spansByIdentity(links.map(({ consumedRef }) => consumedRef))
  const outersByRef = Map.groupBy(outers.values(), toRefKey)
  const toCandidates = (outerRef: SpanRef, inner: MessagingSpan | undefined): ProcessingSpan[] => {
    if (inner === undefined || !isConsuming(inner) || outers.has(toSpanKey(inner))) return []
    const outer = selectParent(outersByRef.get(toRefKey(outerRef)), inner)
    return outer === undefined ? [] : [{ outer, inner }]
  }
  const candidates = [
    ...children.flatMap((inner) => toCandidates({ traceId: inner.traceId, spanId: inner.parentSpanId }, inner)),
    ...links.flatMap((link) => toCandidates(link.producerRef, linkingSpans.get(toSpanKey(link.consumedRef)))),
  ]
  if (candidates.length === 0) return [...deliveries]
  const linking = keyBySpan(candidates.flatMap(({ outer, inner }) => [outer, inner]))
  const targets = Map.groupBy(await lookup.linksFrom([...linking.values()]), ({ consumedRef }) =>
    toSpanKey(consumedRef),
  )
  const handovers = candidates.filter(({ outer, inner }) =>
    (targets.get(toSpanKey(inner)) ?? []).every(({ producerRef }) => toRefKey(producerRef) === toRefKey(outer)),
  )
  const handoversOf = Map.groupBy(handovers, ({ outer }) => toSpanKey(outer))
  return deliveries.flatMap((delivery) => {
    const { consumed } = delivery
    if (consumed === undefined) return [delivery]
    const key = toSpanKey(consumed)
    const isBatch = (targets.get(key)?.length ?? 0) > 1
    const received = (handoversOf.get(key) ?? []).filter((one) =>
      isSameDelivery(delivery, consumed, one.inner, isBatch),
    )
    return [delivery, ...received.map((one) => toInnerDelivery(delivery, consumed, one.inner))]
  })
}

type ProcessingSpan = { readonly outer: MessagingSpan; readonly inner: MessagingSpan }

function isSameDelivery(delivery: Delivery, outer: MessagingSpan, inner: MessagingSpan, isBatch: boolean): boolean {
  // In a batch, only the offset identifies the message.
  if (isBatch && (delivery.offset === '' || inner.offset === '')) return false
  return isSameMessage(delivery, inner) && isSameOrUnknown(outer.group, inner.group)
}
