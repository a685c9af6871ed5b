import type { Message } from '@spanlink/api-schema'
import { computeQueueTime } from '../../links/linked-span.ts'
import { toRefKey, toSpanKey } from '../../links/span-ref.ts'
import { findDeliveries, findIncomingDeliveries } from '../deliveries/find-deliveries.ts'
import { groupByConsumer } from '../deliveries/consumer-groups.ts'
import { type Delivery, listProducers, toRecordIdentity } from '../deliveries/delivery.ts'
import { selectFirstOfRecords, toConsumption } from '../deliveries/first-consumptions.ts'
import { addProcessingSpans } from '../deliveries/processing-spans.ts'
import {
  filterConsumers,
  isRequested,
  type MessageListReader,
  type MessageListRequest,
  compareNewestFirst,
} from '../message-list.ts'
import { type MessagingSpan, toMessage } from '../messaging-spans/messaging-span.ts'
import { createSpanScan, type ScannedSpans } from '../messaging-spans/newest-messaging-spans.ts'

const DEFAULT_MIN_QUEUE_TIME_NANO = 10_000_000_000n

/**
 * Finds messages whose first delivery to a consumer exceeded the minimum queue time. `receive` and
 * `process` are one delivery, measured to the innermost `process` span if there is one. A late
 * redelivery is excluded if an earlier one was in time, even if that span is not among the newest.
 */
export function createLateList(request: MessageListRequest): MessageListReader {
  const scan = createSpanScan(request, filterConsumers(request))
  return async (step) => {
    const { spans, scannedUntil } = await scan(step)
    return { messages: await findLate(request, spans), scannedUntil }
  }
}

async function findLate(request: MessageListRequest, consumers: ScannedSpans['spans']): Promise<Message[]> {
  const { lookup, minQueueTime = DEFAULT_MIN_QUEUE_TIME_NANO } = request
  lookup.add(consumers)
  const incoming = (await findIncomingDeliveries(lookup, consumers)).filter(isComplete)
  const isLate = ({ producer, consumed }: CompleteDelivery): boolean =>
    computeQueueTime(producer, consumed) > minQueueTime
  const found = await findDeliveries(lookup, listProducers(incoming.filter(isLate)))
  const all = await addProcessingSpans(lookup, found)
  const scannedKeys = new Set(consumers.map(toSpanKey))
  // A child of one producer may share the id of another producer, whose message it then received.
  const producersOf = Map.groupBy(incoming, ({ consumedRef }) => toSpanKey(consumedRef))
  const others = all.filter(isComplete).filter(({ producerRef, consumedRef }) => {
    const own = producersOf.get(toSpanKey(consumedRef))
    return own === undefined || own.some((delivery) => toRefKey(delivery.producerRef) === toRefKey(producerRef))
  })
  return selectFirstDeliveries([...incoming, ...others])
    .filter((delivery) => scannedKeys.has(toSpanKey(delivery.consumed)) && isLate(delivery))
    .map(({ producer, consumed, ...record }) => {
      const waitNano = computeQueueTime(producer, consumed)
      const attempts = [{ consumer: consumed, producer }]
      return toMessage(consumed, record, { group: consumed.group, waitNano, producer, attempts })
    })
    .filter((message) => isRequested(message, request))
    .sort(compareNewestFirst)
}

type CompleteDelivery = Delivery & { readonly producer: MessagingSpan; readonly consumed: MessagingSpan }

function isComplete(one: Delivery): one is CompleteDelivery {
  return one.producer !== undefined && one.consumed !== undefined
}

/**
 * Selects the first delivery per message and consumer, at its innermost `process` span, or at its
 * `receive` span if nothing processed that. A span without an offset, such as a batch's `receive`,
 * may belong to any message of its producer.
 */
function selectFirstDeliveries(deliveries: readonly CompleteDelivery[]): CompleteDelivery[] {
  return groupByConsumer(deliveries).flatMap((all) =>
    selectFirstOfRecords(
      all.map((delivery) => ({
        ...toConsumption(delivery.producerRef, delivery.consumed),
        record: toRecordIdentity(delivery),
        delivery,
      })),
    ).map(({ first: { delivery }, certain }) => {
      const [{ topic, partition, offset, cluster, key }] = [certain[0]?.delivery ?? delivery]
      return delivery.offset === '' ? { ...delivery, topic, partition, offset, cluster, key } : delivery
    }),
  )
}
