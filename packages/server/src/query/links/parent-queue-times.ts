import type { MessagingOperation, SpanKind } from '@spanlink/api-schema'
import { consumingOperations, producingOperations } from '../../clickhouse/insert/messaging/semconv.ts'
import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import { findLinkedSpans, toInterval, NO_SPAN, computeQueueTime } from './linked-span.ts'
import { toRefKey } from './span-ref.ts'

type HopSpan = {
  readonly spanId: string
  readonly parentSpanId: string
  readonly kind: SpanKind
  readonly service: string
  readonly operation: MessagingOperation
  readonly start: string
}

/**
 * Fetches queue times of messages whose consumers are children of their producers, by consuming
 * span. Looks up parents by id.
 */
export async function fetchParentQueueTimes<Span extends HopSpan>(
  store: Store,
  traceId: string,
  spans: readonly Span[],
  options: QueryOptions,
): Promise<ReadonlyMap<Span, string>> {
  const consumers = spans.filter((span) => consumingOperations.has(span.operation))
  if (consumers.length === 0) return new Map()
  const toParentRef = ({ parentSpanId }: Span) => ({ traceId, spanId: parentSpanId })
  // A consumer may share its producer's id; the id then refers to the producer.
  const toOwnRef = ({ spanId }: Span) => ({ traceId, spanId })
  const refs = consumers.flatMap((span) => [
    toOwnRef(span),
    ...(span.parentSpanId === NO_SPAN ? [] : [toParentRef(span)]),
  ])
  const parents = await findLinkedSpans(store, refs, options)
  return new Map(
    consumers.flatMap((consumer) => {
      const parent = [toOwnRef(consumer), toParentRef(consumer)]
        .flatMap((ref) => parents.get(toRefKey(ref)) ?? [])
        .find(({ operation }) => producingOperations.has(operation))
      if (parent === undefined) return []
      return [
        [
          consumer,
          String(
            computeQueueTime(toInterval(parent.span), { start: BigInt(consumer.start), operation: consumer.operation }),
          ),
        ] as const,
      ]
    }),
  )
}
