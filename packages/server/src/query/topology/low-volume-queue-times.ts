import { computeQueueTime } from '../links/linked-span.ts'
import { toRefKey, toSpanKey, type SpanIdentity, type SpanRef } from '../links/span-ref.ts'
import {
  keepInnerSpans,
  type RecordConsumption,
  selectFirstPerConsumer,
  toConsumption,
} from '../messages/deliveries/first-consumptions.ts'
import { findLinksFrom } from '../messages/deliveries/message-links.ts'
import {
  findSpansByRef,
  keyBySpan,
  type StoreAccess,
  type TimedRef,
} from '../messages/messaging-spans/find-messaging-spans.ts'
import {
  identityColumns,
  isConsuming,
  type MessagingSpan,
  messagingSpanColumns,
  type MessagingSpanRow,
  toMessagingSpan,
} from '../messages/messaging-spans/messaging-span.ts'
import { mayShareDistantId, selectProducer } from '../messages/messaging-spans/shared-ids.ts'
import { inWindow, toWindowParams } from '../sql/time-window.ts'
import { spanIdentity } from '../traces/span-parents.ts'
import type { TopologyRequest, Traffic } from './traffic.ts'

/** Limit of consuming spans over all low-volume topics. Both ends of each message are looked up. */
export const MAX_LOW_VOLUME_SPANS = 400

export type QueueTime = Pick<Traffic, 'cluster' | 'topic' | 'group'> & {
  readonly operation: string
  readonly service: string
  /** Nanoseconds, see `computeQueueTime`. */
  readonly time: number
}

/**
 * Computes the queue times of all messages of these topics, one per group.
 *
 * @param topics '' for the consumers that name no topic: those of their links count
 */
export async function findLowVolumeQueueTimes(
  { store, window, options }: TopologyRequest,
  topics: readonly string[],
): Promise<QueueTime[]> {
  const rows = await store.query<MessagingSpanRow>(
    `select ${messagingSpanColumns}
    from spans prewhere messaging_operation in ('receive', 'process') and topic in {topics:Array(String)}
    where ${inWindow}
    limit 1 by trace_id, ${spanIdentity}
    limit ${2 * MAX_LOW_VOLUME_SPANS}`,
    { ...toWindowParams(window), topics },
    options,
  )
  const messages = await findConsumedMessages({ store, options }, rows.map(toMessagingSpan))
  const findProducers = (refs: readonly TimedRef[]): Promise<Map<string, Producer[]>> =>
    findSpansByRef<Producer>({ store, options }, refs, producerColumns)
  const producers = await findProducers(messages.map(({ producerRef, start }) => ({ ...producerRef, before: start })))
  const open = messages.filter(
    ({ consumer, producerRef }) =>
      toRefKey(consumer) === toRefKey(producerRef) && mayShareDistantId(consumer, producers),
  )
  for (const [key, sharers] of await findProducers(open.map(({ producerRef }) => producerRef)))
    producers.set(key, sharers)
  const isShared = ({ consumedRef, producerRef }: ConsumedMessage): boolean => {
    const own = selectProducer(producers.get(toRefKey(consumedRef)), consumedRef)
    return toRefKey(consumedRef) !== toRefKey(producerRef) && own !== undefined && !isConsuming(own)
  }
  const produced = keepInnerSpans(messages.filter((one) => !isShared(one))).flatMap((one) => {
    const producer = selectProducer(producers.get(toRefKey(one.producerRef)), one.consumer)
    // A consuming parent is the span that the consumer runs in, not its producer.
    return producer === undefined || isConsuming(producer) ? [] : [{ ...one, producer }]
  })
  return selectFirstPerConsumer(produced).map(({ producer, consumer }) => {
    const { service, cluster, topic, group, operation } = consumer
    const sent = { start: BigInt(producer.start), end: BigInt(producer.finish) }
    return { service, cluster, topic, group, operation, time: Number(computeQueueTime(sent, consumer)) }
  })
}

/** Each column is a separate read per span. */
const producerColumns = `${identityColumns}, start, toUInt64(start + duration) as finish, messaging_operation as operation`

type Producer = SpanIdentity & Pick<MessagingSpanRow, 'start' | 'finish' | 'operation'>
type ConsumedMessage = RecordConsumption & { readonly group: string; readonly consumer: MessagingSpan }

function toConsumedMessage(consumer: MessagingSpan, producerRef: SpanRef): ConsumedMessage {
  return { ...toConsumption(producerRef, consumer), record: consumer, consumer }
}

/** Finds the link targets of these consumers, or their parents if they have no links. */
async function findConsumedMessages(
  access: StoreAccess,
  consumers: readonly MessagingSpan[],
): Promise<ConsumedMessage[]> {
  const fields = consumers.some(isUnnamed) ? (['cluster', 'topic', 'partition', 'offset'] as const) : []
  const links = await findLinksFrom(access, consumers, fields, MAX_LINKS)
  const byKey = keyBySpan(consumers)
  const linked = new Set(links.map(({ consumedRef }) => toSpanKey(consumedRef)))
  const unlinked = consumers.filter((one) => !isUnnamed(one) && !linked.has(toSpanKey(one)))
  const parented = unlinked.filter((one) => one.parentSpanId !== '')
  return [
    ...links.flatMap(({ consumedRef, producerRef, cluster, topic, partition, offset }): ConsumedMessage[] => {
      const consumer = byKey.get(toSpanKey(consumedRef))
      if (consumer === undefined) return []
      if (!isUnnamed(consumer)) return [toConsumedMessage(consumer, producerRef)]
      // The consumer as that of one message: only the link names its record.
      const named = { ...consumer, cluster: consumer.cluster || cluster, topic, partition, offset }
      return isUnnamed(named) ? [] : [toConsumedMessage(named, producerRef)]
    }),
    // A producer may share the span id of its consumer.
    ...unlinked.map((consumer) => toConsumedMessage(consumer, { traceId: consumer.traceId, spanId: consumer.spanId })),
    ...parented.map((consumer) =>
      toConsumedMessage(consumer, { traceId: consumer.traceId, spanId: consumer.parentSpanId }),
    ),
  ]
}

function isUnnamed({ topic }: MessagingSpan): boolean {
  return topic === ''
}

/** The span of a batch has a link per message. */
const MAX_LINKS = 10_000
