import type { MessagingSpan } from '../messaging-spans/messaging-span.ts'
import { groupByConsumer } from './consumer-groups.ts'
import { type Delivery, toRecordIdentity } from './delivery.ts'
import { selectFirstOfRecords } from './first-consumptions.ts'
import { toConsumption } from './outer-spans.ts'

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
