import type { Message } from '@spanlink/api-schema'
import { computeQueueTime } from '../../links/linked-span.ts'
import { deliveriesOf, oneByOne, originsOf } from '../deliveries/find-deliveries.ts'
import type { Delivery } from '../deliveries/delivery.ts'
import { asked, consumerOf, type FoundMessages, type ListQuestion, MAX_LOOKED, newestFirst } from '../message-list.ts'
import { keyOf, type MessageEnd, messageSpan } from '../endpoints/message-endpoint.ts'
import { newestEnds } from '../endpoints/newest-endpoints.ts'

const DEFAULT_MIN_QUEUE_TIME = 10_000_000_000n

/**
 * Messages that waited too long before a consumer first took them. A message is where its first
 * delivery is: `receive` and `process` are one, and what was taken again late may have been taken
 * in time before, by a span that is not among the newest.
 */
export async function late(question: ListQuestion): Promise<FoundMessages> {
  const { store, window, minQueueTime = DEFAULT_MIN_QUEUE_TIME, before, options } = question
  const condition = asked(`messaging_operation in ('receive', 'process')`, question)
  const { ends: consumers, lookedTo } = await newestEnds(store, window, condition, before, MAX_LOOKED, options)
  const origins = (await originsOf(store, consumers, options)).filter(isWhole)
  const waited = origins.filter(({ producer, consumed }) => computeQueueTime(producer, consumed) > minQueueTime)
  const producers = new Map(waited.map(({ producer }) => [keyOf(producer), producer]))
  const all = await deliveriesOf(store, [...producers.values()], options, oneByOne(store, options, consumers))
  const isLooked = new Set(consumers.map(keyOf))
  const messages = firstDeliveries([...origins, ...all.filter(isWhole)])
    .filter(
      ({ producer, consumed }) => isLooked.has(keyOf(consumed)) && computeQueueTime(producer, consumed) > minQueueTime,
    )
    .map(toMessage)
    .sort(newestFirst)
  return { messages, lookedTo }
}

type Whole = Delivery & { readonly producer: MessageEnd; readonly consumed: MessageEnd }

function isWhole(one: Delivery): one is Whole {
  return one.producer !== undefined && one.consumed !== undefined
}

/**
 * The first of each message and consumer. One that names no offset, as a batch's `receive`, may be
 * of any message of its producer.
 */
function firstDeliveries(deliveries: readonly Whole[]): Whole[] {
  const ofProducer = Map.groupBy(deliveries, (one) =>
    JSON.stringify([keyOf(one.producerRef), consumerOf(one.consumed)]),
  )
  return [...ofProducer.values()].flatMap((all) => {
    const ofMessage = Map.groupBy(all, ({ partition, offset }) => (offset === '' ? '' : `${partition} ${offset}`))
    const unnamed = first(ofMessage.get('') ?? [])
    ofMessage.delete('')
    if (ofMessage.size === 0) return unnamed ?? []
    return [...ofMessage.values()].flatMap((same) => {
      const named = first(same)
      if (named === undefined || unnamed === undefined || named.consumed.start <= unnamed.consumed.start)
        return named ?? []
      const { topic, partition, offset, cluster, key } = named
      return { ...unnamed, topic, partition, offset, cluster, key }
    })
  })
}

function first(deliveries: readonly Whole[]): Whole | undefined {
  return deliveries.reduce<Whole | undefined>(
    (earliest, one) => (earliest === undefined || one.consumed.start < earliest.consumed.start ? one : earliest),
    undefined,
  )
}

function toMessage({ producer, consumed, topic, partition, offset, cluster, key }: Whole): Message {
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
    producer: messageSpan(producer, undefined),
    attempts: [messageSpan(consumed, producer)],
  }
}
