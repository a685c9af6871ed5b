import type { MessagingOperation, SpanKind } from '@spanlink/api-schema'
import { consumingOperations, producingOperations } from '../../clickhouse/insert/messaging/semconv.ts'
import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import { isInside } from '../traces/span-parents.ts'
import { computeQueueTime, findLinkedSpans, getEnd, type Interval, NO_SPAN, toInterval } from './linked-span.ts'
import { toRefKey } from './span-ref.ts'

type HopSpan = {
  readonly spanId: string
  readonly parentSpanId: string
  readonly kind: SpanKind
  readonly service: string
  readonly operation: MessagingOperation
  readonly start: string
  readonly duration: string
}

/**
 * Computes queue times of messages whose consumers are children of their producers, by consuming
 * span.
 *
 * @param isWhole whether these are all spans of the trace; else looks up parents by id
 */
export async function fetchParentQueueTimes<Span extends HopSpan>(
  store: Store,
  traceId: string,
  spans: readonly Span[],
  isWhole: boolean,
  options: QueryOptions,
): Promise<ReadonlyMap<Span, string>> {
  const consumers = spans.filter((span) => consumingOperations.has(span.operation))
  if (consumers.length === 0) return new Map()
  const sends = isWhole ? listSends(spans) : await findSends(store, traceId, consumers, options)
  return new Map(
    consumers.flatMap((consumer) => {
      // A consumer may share its producer's id; the id then refers to the producer.
      const sent = sends.get(consumer.spanId) ?? sends.get(consumer.parentSpanId)
      if (sent === undefined) return []
      const { start, operation } = consumer
      return [[consumer, String(computeQueueTime(sent, { start: BigInt(start), operation }))] as const]
    }),
  )
}

/** By span id. Of several that share an id, the innermost, as in `findLinkedSpans`. */
function listSends(spans: readonly HopSpan[]): ReadonlyMap<string, Interval> {
  const sends = new Map<string, HopSpan>()
  for (const span of spans) {
    if (!producingOperations.has(span.operation)) continue
    const known = sends.get(span.spanId)
    if (known === undefined || isInside(span, known)) sends.set(span.spanId, span)
  }
  return new Map(
    Array.from(sends, ([spanId, span]) => [spanId, { start: BigInt(span.start), end: BigInt(getEnd(span)) }]),
  )
}

async function findSends(
  store: Store,
  traceId: string,
  consumers: readonly HopSpan[],
  options: QueryOptions,
): Promise<ReadonlyMap<string, Interval>> {
  const ids = new Set(consumers.flatMap(({ spanId, parentSpanId }) => [spanId, parentSpanId]))
  ids.delete(NO_SPAN)
  const refs = Array.from(ids, (spanId) => ({ traceId, spanId }))
  const ends = await findLinkedSpans(store, refs, options)
  return new Map(
    refs.flatMap((ref) => {
      const end = ends.get(toRefKey(ref))
      return end !== undefined && producingOperations.has(end.operation) ? [[ref.spanId, toInterval(end.span)]] : []
    }),
  )
}
