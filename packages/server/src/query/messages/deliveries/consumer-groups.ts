import { toRefKey } from '../../links/span-ref.ts'
import { toConsumerId } from '../message-list.ts'
import { type ConsumedDelivery, toRecordIdentity } from './delivery.ts'
import { mayShareTopic } from './group-by-record.ts'

/**
 * Groups by producer and consumer. A span without a group has that of its service's other spans of
 * the message; it is excluded if the service has several groups.
 */
export function groupByConsumer<One extends ConsumedDelivery>(deliveries: readonly One[]): One[][] {
  const ofProducer = Map.groupBy(deliveries, ({ producerRef }) => toRefKey(producerRef))
  return [...ofProducer.values()].flatMap((all) => [
    ...Map.groupBy(addGroups(all), ({ consumed }) => toConsumerId(consumed)).values(),
  ])
}

function addGroups<One extends ConsumedDelivery>(sameProducer: readonly One[]): One[] {
  const named = sameProducer
    .filter(({ consumed }) => consumed.group !== '')
    .map((one) => ({ ...toRecordIdentity(one), service: one.consumed.service, group: one.consumed.group }))
  const distinct = new Map(named.map((one) => [JSON.stringify([one.service, one.group, one.cluster, one.topic]), one]))
  const namedOf = Map.groupBy(distinct.values(), ({ service }) => service)
  return sameProducer.flatMap((one) => {
    if (one.consumed.group !== '') return [one]
    const record = toRecordIdentity(one)
    const ofMessage = namedOf.get(one.consumed.service)?.filter((other) => mayShareTopic(other, record)) ?? []
    const groups = new Set(ofMessage.map(({ group }) => group))
    if (groups.size === 0) return [one]
    const [group = ''] = groups
    return groups.size > 1 ? [] : [{ ...one, consumed: { ...one.consumed, group } }]
  })
}
