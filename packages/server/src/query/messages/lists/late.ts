import type { Message } from '@spanlink/api-schema'
import { computeQueueTime } from '../../links/linked-span.ts'
import { toRefKey, toSpanKey } from '../../links/span-ref.ts'
import { findDeliveries, createSpanLookup, findIncomingDeliveries } from '../deliveries/find-deliveries.ts'
import { type CompleteDelivery, isComplete, selectFirstDeliveries } from '../deliveries/first-deliveries.ts'
import { addProcessingSpans } from '../deliveries/processing-spans.ts'
import {
  filterConsumers,
  isRequested,
  type FoundMessages,
  type MessageListRequest,
  MAX_SCANNED_SPANS,
  compareNewestFirst,
} from '../message-list.ts'
import { toMessageSpan } from '../messaging-spans/messaging-span.ts'
import { findNewestMessagingSpans } from '../messaging-spans/newest-messaging-spans.ts'

const DEFAULT_MIN_QUEUE_TIME_NANO = 10_000_000_000n

/**
 * Finds messages whose first delivery to a consumer exceeded the minimum queue time. `receive` and
 * `process` are one delivery, measured to the innermost `process` span if there is one. A late
 * redelivery is excluded if an earlier one was in time, even if that span is not among the newest.
 */
export async function findLate(request: MessageListRequest): Promise<FoundMessages> {
  const { store, window, minQueueTime = DEFAULT_MIN_QUEUE_TIME_NANO, before, options } = request
  const { spans: consumers, scannedUntil } = await findNewestMessagingSpans(
    store,
    window,
    filterConsumers(request),
    before,
    MAX_SCANNED_SPANS,
    options,
  )
  const incoming = (await findIncomingDeliveries(store, consumers, options)).filter(isComplete)
  const waited = incoming.filter(({ producer, consumed }) => computeQueueTime(producer, consumed) > minQueueTime)
  const producers = new Map(waited.map(({ producer }) => [toRefKey(producer), producer]))
  const lookup = createSpanLookup(store, options, consumers)
  const found = await findDeliveries(store, [...producers.values()], options, lookup)
  const all = await addProcessingSpans(store, found, options, lookup)
  const scannedKeys = new Set(consumers.map(toSpanKey))
  // A child of one producer may share the id of another producer, whose message it then received.
  const producersOf = Map.groupBy(incoming, ({ consumedRef }) => toSpanKey(consumedRef))
  const others = all.filter(isComplete).filter(({ producerRef, consumedRef }) => {
    const own = producersOf.get(toSpanKey(consumedRef))
    return own === undefined || own.some((delivery) => toRefKey(delivery.producerRef) === toRefKey(producerRef))
  })
  const messages = selectFirstDeliveries([...incoming, ...others])
    .filter(
      ({ producer, consumed }) =>
        scannedKeys.has(toSpanKey(consumed)) && computeQueueTime(producer, consumed) > minQueueTime,
    )
    .map(toMessage)
    .filter((message) => isRequested(message, request))
    .sort(compareNewestFirst)
  return { messages, scannedUntil }
}

function toMessage({ producer, consumed, topic, partition, offset, cluster, key }: CompleteDelivery): Message {
  return {
    traceId: consumed.traceId,
    spanId: consumed.spanId,
    cluster,
    topic,
    partition,
    offset,
    key,
    consumerGroup: consumed.group,
    timeUnixNano: String(consumed.start),
    waitNano: String(computeQueueTime(producer, consumed)),
    producer: toMessageSpan(producer, undefined),
    attempts: [toMessageSpan(consumed, producer)],
  }
}
