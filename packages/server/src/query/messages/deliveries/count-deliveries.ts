import { toRefKey, toSpanKey } from '../../links/span-ref.ts'
import type { MessagingSpan } from '../messaging-spans/messaging-span.ts'
import type { ConsumedDelivery } from './delivery.ts'

/** Nested consuming spans: receive, batch and message. */
const MAX_DEPTH = 3

/**
 * Counts how often a consumer received one message. Spans below the same receive or batch span,
 * as children or by links, are one delivery: further `process` spans there are retries in place.
 * Spans without such a span above them are a delivery each.
 */
export function countDeliveries(
  spans: readonly Pick<ConsumedDelivery, 'consumed' | 'outerRef' | 'producer'>[],
): number {
  const endsByRef = Map.groupBy(
    spans.map(({ consumed }) => consumed),
    toRefKey,
  )
  const outerOf = new Map(
    spans.map(({ consumed, outerRef, producer }) => [
      toSpanKey(consumed),
      outerRef === undefined ? findParent(consumed, producer, endsByRef) : toSpanKey(outerRef),
    ]),
  )
  const findOutermost = (span: MessagingSpan): string => {
    let key = toSpanKey(span)
    for (let level = 0; level < MAX_DEPTH; level++) key = outerOf.get(key) ?? key
    return key
  }
  const counts = (['receive', 'process'] as const).map((operation) => {
    const same = spans.filter(({ consumed }) => consumed.operation === operation)
    return new Set(same.map(({ consumed }) => findOutermost(consumed))).size
  })
  return Math.max(...counts)
}

/** A consumer that shares the producer's id encloses nothing: its children are the producer's. */
function findParent(
  end: MessagingSpan,
  producer: MessagingSpan | undefined,
  endsByRef: ReadonlyMap<string, readonly MessagingSpan[]>,
): string | undefined {
  const parentKey = end.traceId + end.parentSpanId
  if (producer !== undefined && parentKey === toRefKey(producer)) return undefined
  const parent = endsByRef.get(parentKey)?.find(({ service }) => service === end.service)
  return parent && toSpanKey(parent)
}
