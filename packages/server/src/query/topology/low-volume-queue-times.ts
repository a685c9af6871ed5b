import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import { NO_SPAN, NO_TRACE, computeQueueTime } from '../links/linked-span.ts'
import { toRefKey, toSpanKey, type SpanIdentity, type SpanRef } from '../links/span-ref.ts'
import { mayShareDistantId, selectProducer } from '../messages/messaging-spans/shared-ids.ts'
import { isConsuming, type MessagingSpan } from '../messages/messaging-spans/messaging-span.ts'
import { findSpansByRef, type TimedRef } from '../messages/messaging-spans/find-messaging-spans.ts'
import { messagingValue } from '../records/messaging-sql.ts'
import { BY_IDS_SETTINGS, createRefSets } from '../sql/id-parameters.ts'
import { inWindow, type TimeWindow, toWindowParams } from '../sql/time-window.ts'
import { spanIdentity } from '../traces/span-parents.ts'
import type { RecordIdentity } from '../messages/deliveries/delivery.ts'
import { type RecordConsumption, selectFirstPerConsumer } from '../messages/deliveries/first-consumptions.ts'
import { keepInnerSpans } from '../messages/deliveries/outer-spans.ts'
import type { Traffic } from './traffic.ts'

/** Limit of consuming spans over all low-volume topics. Both ends of each message are looked up. */
export const MAX_LOW_VOLUME_SPANS = 400

export type QueueTime = Pick<Traffic, 'cluster' | 'topic' | 'group'> & {
  readonly operation: string
  readonly service: string
  /** Nanoseconds, see `computeQueueTime`. */
  readonly time: number
}

/**
 * Computes the queue times of all messages of these topics, one per group. Reads only the columns
 * it needs.
 *
 * @param topics '' for the consumers that name no topic: those of their links count
 */
export async function findLowVolumeQueueTimes(
  store: Store,
  window: TimeWindow,
  topics: readonly string[],
  options: QueryOptions,
): Promise<QueueTime[]> {
  const consumers = await store.query<Consumer>(
    `select lower(hex(trace_id)) as traceId, lower(hex(span_id)) as spanId, lower(hex(parent_span_id)) as parentSpanId,
      start, toUInt64(start + duration) as finish, kind, service, cluster, topic, partition, ${offsetColumn},
      consumer_group as group, messaging_operation as operation
    from spans prewhere messaging_operation in ('receive', 'process') and topic in {topics:Array(String)}
    where ${inWindow}
    limit 1 by trace_id, ${spanIdentity}
    limit ${2 * MAX_LOW_VOLUME_SPANS}`,
    { ...toWindowParams(window), topics },
    options,
  )
  const messages = await findConsumedMessages(store, consumers, options)
  const findProducers = (refs: readonly TimedRef[]): Promise<Map<string, Producer[]>> =>
    findSpansByRef<Producer>(store, refs, producerColumns, options)
  const producers = await findProducers(
    messages.map(({ producerRef, consumer }) => ({ ...producerRef, before: BigInt(consumer.start) })),
  )
  const unlinked = messages.filter(({ consumedRef, producerKey }) => toRefKey(consumedRef) === producerKey)
  const open = unlinked.filter(({ consumer }) => mayShareDistantId(consumer, producers))
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
    const { service, cluster, topic, group, operation, start, finish } = consumer
    const time = Number(
      computeQueueTime(
        { start: BigInt(producer.start), end: BigInt(producer.finish) },
        { start: BigInt(start), end: BigInt(finish), operation },
      ),
    )
    return { service, cluster, topic, group, operation, time }
  })
}

/** `spans` has -1 for an unknown offset. */
export const offsetColumn = `if(message_offset < 0, '', toString(message_offset)) as offset`

const producerColumns = `lower(hex(trace_id)) as traceId, lower(hex(span_id)) as spanId, start,
  toUInt64(start + duration) as finish, kind, service, messaging_operation as operation`

type Consumer = Pick<
  MessagingSpan,
  'traceId' | 'spanId' | 'parentSpanId' | 'kind' | 'service' | 'group' | 'operation' | keyof RecordIdentity
> & {
  readonly start: string
  readonly finish: string
}
type Producer = SpanIdentity & { readonly start: string; readonly finish: string; readonly operation: string }
type ConsumedMessage = RecordConsumption & {
  readonly group: string
  readonly producerRef: SpanRef
  readonly consumer: Consumer
}

function toConsumedMessage(consumer: Consumer, producerRef: SpanRef): ConsumedMessage {
  const { service, group, operation, parentSpanId, start, finish } = consumer
  const times = { start: BigInt(start), end: BigInt(finish) }
  const isReceive = operation === 'receive'
  const consumed = {
    consumedRef: consumer,
    parentSpanId,
    service,
    group,
    isReceive,
    ...times,
    consumer,
    record: consumer,
  }
  return { producerRef, producerKey: toRefKey(producerRef), ...consumed }
}

/** Finds the link targets of these consumers, or their parents if they have no links. */
async function findConsumedMessages(
  store: Store,
  consumers: readonly Consumer[],
  options: QueryOptions,
): Promise<ConsumedMessage[]> {
  if (consumers.length === 0) return []
  const sets = createRefSets(consumers)
  // Attributes are the largest column of links.
  const recordColumns = consumers.some(isUnnamed)
    ? RECORD_FIELDS.map((field) => `, ${messagingValue(field)} as ${field}`).join('')
    : ''
  const links = await store.query<LinkRow>(
    `select lower(hex(trace_id)) as traceId, lower(hex(span_id)) as spanId, lower(hex(peer_trace_id)) as peerTraceId,
      lower(hex(peer_span_id)) as peerSpanId, kind, service${recordColumns}
    from span_links
    where trace_id in (${sets.traceIds}) and direction = 'out' and (trace_id, span_id) in (${sets.spans})
      and peer_trace_id != toFixedString(unhex('${NO_TRACE}'), 16)
    limit 1 by trace_id, span_id, peer_trace_id, peer_span_id, kind, service, ordinal
    limit ${MAX_LINKS}
    ${BY_IDS_SETTINGS}`,
    sets.params,
    options,
  )
  const byKey = new Map(consumers.map((consumer) => [toSpanKey(consumer), consumer]))
  const linked = new Set(links.map(toSpanKey))
  const unlinked = consumers.filter((one) => !isUnnamed(one) && !linked.has(toSpanKey(one)))
  const parented = unlinked.filter((one) => one.parentSpanId !== NO_SPAN)
  return [
    ...links.flatMap((link): ConsumedMessage[] => {
      const consumer = byKey.get(toSpanKey(link))
      const named = consumer && nameRecord(consumer, link)
      if (named === undefined || isUnnamed(named)) return []
      return [toConsumedMessage(named, { traceId: link.peerTraceId, spanId: link.peerSpanId })]
    }),
    // A producer may share the span id of its consumer.
    ...unlinked.map((consumer) => toConsumedMessage(consumer, { traceId: consumer.traceId, spanId: consumer.spanId })),
    ...parented.map((consumer) =>
      toConsumedMessage(consumer, { traceId: consumer.traceId, spanId: consumer.parentSpanId }),
    ),
  ]
}

function isUnnamed({ topic }: Consumer): boolean {
  return topic === ''
}

/** The consumer as that of one message, if only the link names its record. */
function nameRecord(consumer: Consumer, { topic = '', cluster = '', partition = '', offset = '' }: LinkRow): Consumer {
  return isUnnamed(consumer)
    ? { ...consumer, cluster: consumer.cluster || cluster, topic, partition, offset }
    : consumer
}

const RECORD_FIELDS = ['cluster', 'topic', 'partition', 'offset'] as const

/** The record's fields only if some consumers name no topic. */
type LinkRow = SpanIdentity & Partial<RecordIdentity> & { readonly peerTraceId: string; readonly peerSpanId: string }

/** The span of a batch has a link per message. */
const MAX_LINKS = 10_000
