import type { MessagingOperation, SpanKind } from '@spanlink/contract'
import { consumingOperations, producingOperations } from '../store/messaging/semconv.ts'
import type { QueryOptions, Store } from '../store/store.ts'
import { findLinkedSpans, intervalOf, NO_SPAN, queueTime, refKey } from './linked-span.ts'

type HopSpan = {
  readonly spanId: string
  readonly parentSpanId: string
  readonly kind: SpanKind
  readonly service: string
  readonly operation: MessagingOperation
  readonly start: string
}

/** How long messages waited whose consumers are children of their producers, by consuming span. Parents are looked up by id. */
export async function parentQueueTimes<Span extends HopSpan>(
  store: Store,
  traceId: string,
  spans: readonly Span[],
  options: QueryOptions,
): Promise<ReadonlyMap<Span, string>> {
  const consumers = spans.filter((span) => consumingOperations.has(span.operation) && span.parentSpanId !== NO_SPAN)
  if (consumers.length === 0) return new Map()
  const refOf = ({ parentSpanId }: Span) => ({ traceId, spanId: parentSpanId })
  const parents = await findLinkedSpans(store, consumers.map(refOf), options)
  return new Map(
    consumers.flatMap((consumer) => {
      const parent = parents.get(refKey(refOf(consumer)))
      if (parent === undefined || !producingOperations.has(parent.operation)) return []
      return [
        [
          consumer,
          String(queueTime(intervalOf(parent.span), { start: BigInt(consumer.start), operation: consumer.operation })),
        ] as const,
      ]
    }),
  )
}
