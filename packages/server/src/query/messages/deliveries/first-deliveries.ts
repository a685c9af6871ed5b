import { toRefKey, toSpanKey } from '../../links/span-ref.ts'
import type { MessagingSpan } from '../messaging-spans/messaging-span.ts'
import { groupByConsumer } from './consumer-groups.ts'
import { type Delivery, toConsumedRecord } from './delivery.ts'
import { groupByRecord } from './group-by-record.ts'
import { keepInnerSpans } from './outer-spans.ts'

export type CompleteDelivery = Delivery & { readonly producer: MessagingSpan; readonly consumed: MessagingSpan }

export function isComplete(one: Delivery): one is CompleteDelivery {
  return one.producer !== undefined && one.consumed !== undefined
}

/**
 * Selects the first delivery per message and consumer, at its innermost `process` span, or at its
 * `receive` span if nothing processed that. A span without an offset, such as a batch's `receive`,
 * may belong to any message of its producer.
 */
export function selectFirstDeliveries(deliveries: readonly CompleteDelivery[]): CompleteDelivery[] {
  return groupByConsumer(deliveries).flatMap(selectFirstOfMessages)
}

function selectFirstOfMessages(all: readonly CompleteDelivery[]): CompleteDelivery[] {
  return groupByRecord(all, toConsumedRecord).flatMap(({ certain, possible }) =>
    // A `process` span that may be of several messages is one of theirs, unknown which.
    selectFirst([...certain, ...possible.filter((one) => !isProcess(one))]).map((first) => {
      const [{ topic, partition, offset, cluster, key } = first] = certain
      return first.offset === '' ? { ...first, topic, partition, offset, cluster, key } : first
    }),
  )
}

/** Selects the first delivery of one message: none for an empty list. */
function selectFirst(spans: readonly CompleteDelivery[]): CompleteDelivery[] {
  const sorted = spans.toSorted((a, b) => (a.consumed.start < b.consumed.start ? -1 : 1))
  const processed = keepInnermost(sorted.filter(isProcess))
  const received = sorted.filter((one) => !isProcess(one))
  // The last receive before a process span is of the same delivery; earlier ones are others.
  const handedOver = new Set(
    processed
      .flatMap(({ consumed }) => {
        const before = received.filter((one) => one.consumed.start <= consumed.start)
        const inTrace = before.findLast((one) => one.consumed.traceId === consumed.traceId)
        return (inTrace ?? before.at(-1))?.consumed ?? []
      })
      .map(toSpanKey),
  )
  const open = received.filter(({ consumed }) => !handedOver.has(toSpanKey(consumed)))
  return [...processed, ...open].reduce<CompleteDelivery[]>(
    ([first], one) => [first === undefined || one.consumed.start < first.consumed.start ? one : first],
    [],
  )
}

function keepInnermost(processed: readonly CompleteDelivery[]): CompleteDelivery[] {
  return keepInnerSpans(
    processed.map((delivery) => ({
      delivery,
      producerKey: toRefKey(delivery.producerRef),
      consumedRef: delivery.consumedRef,
      parentSpanId: delivery.consumed.parentSpanId,
      service: delivery.consumed.service,
      isReceive: false,
      start: delivery.consumed.start,
      end: delivery.consumed.end,
    })),
  ).map(({ delivery }) => delivery)
}

function isProcess({ consumed }: CompleteDelivery): boolean {
  return consumed.operation === 'process'
}
