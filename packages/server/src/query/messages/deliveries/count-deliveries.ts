import { toRefKey, toSpanKey } from '../../links/span-ref.ts'
import { isConsuming, type MessagingSpan } from '../messaging-spans/messaging-span.ts'
import type { ConsumedDelivery } from './delivery.ts'
import type { SpanLookup } from './find-deliveries.ts'

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
  const endsByRef = Map.groupBy([...spans.map(({ consumed }) => consumed), ...parents], toRefKey)
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

export type CountedDelivery = Pick<ConsumedDelivery, 'consumed' | 'outerRef' | 'producer'>

/**
 * Finds consuming spans that are the parent of several spans of a message without a link to it,
 * such as the Java agent's `receive`. A parent that does not consume proves nothing: a job may poll
 * often.
 */
export async function findSharedParents(
  messages: readonly (readonly CountedDelivery[])[],
  from: SpanLookup,
): Promise<MessagingSpan[]> {
  const refs = messages.flatMap((spans) => {
    const known = new Set(spans.flatMap(({ consumed, producer }) => [consumed, producer ?? []].flat()).map(toRefKey))
    const ends = spans.map(({ consumed }) => consumed).filter((end) => end.parentSpanId !== '')
    return [...Map.groupBy(ends, (end) => end.traceId + end.parentSpanId)].flatMap(([key, [first, second]]) => {
      if (first === undefined || second === undefined || known.has(key)) return []
      return [{ traceId: first.traceId, spanId: first.parentSpanId, before: first.start }]
    })
  })
  if (refs.length === 0) return []
  return [...(await from.spansByRef(refs)).values()].flat().filter(isConsuming)
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
