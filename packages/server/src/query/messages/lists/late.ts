import type { Message } from '@spanlink/api-schema'
import { computeQueueTime } from '../../links/linked-span.ts'
import { toRefKey, toSpanKey } from '../../links/span-ref.ts'
import { findDeliveries, createEndpointLookup, findMessageOrigins } from '../deliveries/find-deliveries.ts'
import type { Delivery } from '../deliveries/delivery.ts'
import {
  filterByTopicAndGroup,
  toConsumerId,
  type FoundMessages,
  type MessageListRequest,
  MAX_SCANNED_SPANS,
  compareNewestFirst,
} from '../message-list.ts'
import { type MessageEndpoint, toMessageSpan } from '../endpoints/message-endpoint.ts'
import { findNewestEndpoints } from '../endpoints/newest-endpoints.ts'

const DEFAULT_MIN_QUEUE_TIME = 10_000_000_000n

/**
 * Finds messages whose first delivery to a consumer exceeded the minimum queue time. `receive` and
 * `process` are one delivery. A late redelivery is excluded if an earlier one was in time, even if
 * that span is not among the newest.
 */
export async function findLate(request: MessageListRequest): Promise<FoundMessages> {
  const { store, window, minQueueTime = DEFAULT_MIN_QUEUE_TIME, before, options } = request
  const condition = filterByTopicAndGroup(`messaging_operation in ('receive', 'process')`, request)
  const { endpoints: consumers, scannedUntil } = await findNewestEndpoints(
    store,
    window,
    condition,
    before,
    MAX_SCANNED_SPANS,
    options,
  )
  const origins = (await findMessageOrigins(store, consumers, options)).filter(isComplete)
  const waited = origins.filter(({ producer, consumed }) => computeQueueTime(producer, consumed) > minQueueTime)
  const producers = new Map(waited.map(({ producer }) => [toRefKey(producer), producer]))
  const all = await findDeliveries(
    store,
    [...producers.values()],
    options,
    createEndpointLookup(store, options, consumers),
  )
  const isLooked = new Set(consumers.map(toSpanKey))
  const messages = selectFirstDeliveries([...origins, ...all.filter(isComplete)])
    .filter(
      ({ producer, consumed }) =>
        isLooked.has(toSpanKey(consumed)) && computeQueueTime(producer, consumed) > minQueueTime,
    )
    .map(toMessage)
    .sort(compareNewestFirst)
  return { messages, scannedUntil }
}

type CompleteDelivery = Delivery & { readonly producer: MessageEndpoint; readonly consumed: MessageEndpoint }

function isComplete(one: Delivery): one is CompleteDelivery {
  return one.producer !== undefined && one.consumed !== undefined
}

/**
 * Selects the first delivery per message and consumer. A span without an offset, such as a batch's
 * `receive`, may belong to any message of its producer.
 */
function selectFirstDeliveries(deliveries: readonly CompleteDelivery[]): CompleteDelivery[] {
  const ofProducer = Map.groupBy(deliveries, (one) =>
    JSON.stringify([toRefKey(one.producerRef), toConsumerId(one.consumed)]),
  )
  return [...ofProducer.values()].flatMap((all) => {
    const ofMessage = Map.groupBy(all, ({ partition, offset }) => (offset === '' ? '' : `${partition} ${offset}`))
    const unnamed = findEarliest(ofMessage.get('') ?? [])
    ofMessage.delete('')
    if (ofMessage.size === 0) return unnamed ?? []
    return [...ofMessage.values()].flatMap((same) => {
      const named = findEarliest(same)
      if (named === undefined || unnamed === undefined || named.consumed.start <= unnamed.consumed.start)
        return named ?? []
      const { topic, partition, offset, cluster, key } = named
      return { ...unnamed, topic, partition, offset, cluster, key }
    })
  })
}

function findEarliest(deliveries: readonly CompleteDelivery[]): CompleteDelivery | undefined {
  return deliveries.reduce<CompleteDelivery | undefined>(
    (earliest, one) => (earliest === undefined || one.consumed.start < earliest.consumed.start ? one : earliest),
    undefined,
  )
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
