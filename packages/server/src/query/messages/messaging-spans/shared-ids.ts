import { toRefKey, toSpanKey, type SpanIdentity } from '../../links/span-ref.ts'
import { isInside } from '../../traces/span-parents.ts'
import { isConsuming, isProducing, type MessagingSpan } from './messaging-span.ts'

type Sharer = SpanIdentity & Pick<MessagingSpan, 'operation'>

/** Selects, of spans that share an id, the one that produced the message of `consumer`. */
export function selectProducer<Span extends Sharer>(
  sharers: readonly Span[] = [],
  consumer: SpanIdentity,
): Span | undefined {
  return sharers.find(isProducing) ?? selectParent(sharers, consumer)
}

/**
 * Selects, of spans that share an id, the one that `child` runs in: of its own service if there is
 * one, and rather the one that consumes.
 */
export function selectParent<Span extends Sharer>(
  sharers: readonly Span[] = [],
  { service }: Pick<SpanIdentity, 'service'>,
): Span | undefined {
  const own = sharers.filter((span) => span.service === service)
  return (own.length > 0 ? own : sharers).reduce<Span | undefined>(
    (best, span) => (best === undefined || isPreferred(span, best) ? span : best),
    undefined,
  )
}

function isPreferred(a: Sharer, b: Sharer): boolean {
  return isConsuming(a) === isConsuming(b) ? isInside(a, b) : isConsuming(a)
}

export function findBySpan<Span extends SpanIdentity>(
  sharers: readonly Span[] = [],
  span: SpanIdentity,
): Span | undefined {
  return sharers.find((one) => toSpanKey(one) === toSpanKey(span))
}

type WithOperation = Pick<MessagingSpan, 'operation'>

export function includesProducer(spans: readonly WithOperation[] = []): boolean {
  return spans.some(isProducing)
}

/**
 * Whether a consumer without links may share the id of a producer in an earlier bucket: a lookup by
 * time finds only the consumer itself. Not if its parent produces or consumes.
 *
 * @param found by `toRefKey`: spans with the id of the consumer or its parent
 */
export function mayShareDistantId(
  consumer: Pick<MessagingSpan, 'traceId' | 'spanId' | 'parentSpanId'>,
  found: ReadonlyMap<string, readonly WithOperation[]>,
): boolean {
  const parents = found.get(consumer.traceId + consumer.parentSpanId) ?? []
  return !includesProducer([...(found.get(toRefKey(consumer)) ?? []), ...parents]) && !parents.some(isConsuming)
}
