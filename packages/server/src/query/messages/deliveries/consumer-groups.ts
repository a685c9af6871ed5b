import { toRefKey } from '../../links/span-ref.ts'
import { toConsumerId } from '../message-list.ts'
import type { ConsumedDelivery } from './delivery.ts'

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
  const named = sameProducer.filter(({ consumed }) => consumed.group !== '')
  const groupsOf = Map.groupBy(named, ({ consumed }) => consumed.service)
  return sameProducer.flatMap((one) => {
    const groups = new Set(groupsOf.get(one.consumed.service)?.map(({ consumed }) => consumed.group))
    if (one.consumed.group !== '' || groups.size === 0) return [one]
    const [group = ''] = groups
    return groups.size > 1 ? [] : [{ ...one, consumed: { ...one.consumed, group } }]
  })
}
