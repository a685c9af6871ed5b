import { toRefKey, toSpanKey } from '../../links/span-ref.ts'
import { isConsuming, type MessagingSpan } from '../messaging-spans/messaging-span.ts'
import type { ConsumedDelivery } from './delivery.ts'
import type { SpanLookup } from '../messaging-spans/span-lookup.ts'

/** Nested consuming spans: receive, batch and message. */
const MAX_DEPTH = 3

/**
 * Counts how often a consumer received one message. Spans below the same receive or batch span,
 * as children or by links, are one delivery: further `process` spans there are retries in place.
 * Spans without such a span above them are a delivery each.
 *
 * @param parents from `findSharedParents`
 */
export function countDeliveries(spans: readonly CountedDelivery[], parents: readonly MessagingSpan[] = []): number {
  const spansByRef = Map.groupBy([...spans.map(({ consumed }) => consumed), ...parents], toRefKey)
  const outerOf = new Map(
    spans.map(({ consumed, outerRef, producer }) => [
      toSpanKey(consumed),
      outerRef === undefined ? findParent(consumed, producer, spansByRef) : toSpanKey(outerRef),
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

export type CountedDelivery = Pick<ConsumedDelivery, 'consumed' | 'outerRef' | 'producer'>

/**
 * Finds consuming spans that are the parent of several spans of a message without a link to it,
 * such as the Java agent's `receive`. A parent that does not consume proves nothing: a job may poll
 * often.
 */
export async function findSharedParents(
  messages: readonly (readonly CountedDelivery[])[],
  lookup: SpanLookup,
): Promise<MessagingSpan[]> {
  const refs = messages.flatMap((spans) => {
    const known = new Set(spans.flatMap(({ consumed, producer }) => [consumed, producer ?? []].flat()).map(toRefKey))
    const consumers = spans.map(({ consumed }) => consumed).filter((consumer) => consumer.parentSpanId !== '')
    return [...Map.groupBy(consumers, (span) => span.traceId + span.parentSpanId)].flatMap(([key, [first, second]]) => {
      if (first === undefined || second === undefined || known.has(key)) return []
      return [{ traceId: first.traceId, spanId: first.parentSpanId }]
    })
  })
  if (refs.length === 0) return []
  return [...(await lookup.spansByRef(refs)).values()].flat().filter(isConsuming)
}

/** A consumer that shares the producer's id encloses nothing: its children are the producer's. */
function findParent(
  span: MessagingSpan,
  producer: MessagingSpan | undefined,
  spansByRef: ReadonlyMap<string, readonly MessagingSpan[]>,
): string | undefined {
  const parentKey = span.traceId + span.parentSpanId
  if (producer !== undefined && parentKey === toRefKey(producer)) return undefined
  const parent = spansByRef.get(parentKey)?.find(({ service }) => service === span.service)
  return parent && toSpanKey(parent)
}
