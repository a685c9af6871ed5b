import type { QueryParams } from '../../clickhouse/store.ts'
import { type Interval, computeQueueTime } from '../links/linked-span.ts'
import { toRefKey, toSpanKey, type SpanIdentity } from '../links/span-ref.ts'
import {
  identityColumns,
  isConsuming,
  type MessagingSpan,
  offsetColumn,
} from '../messages/messaging-spans/messaging-span.ts'
import { findBySpan, selectProducer } from '../messages/messaging-spans/shared-ids.ts'
import { findSpansByRef, type StoreAccess, type TimedRef } from '../messages/messaging-spans/find-messaging-spans.ts'
import { inWindow, toWindowParams } from '../sql/time-window.ts'
import type { RecordIdentity } from '../messages/deliveries/delivery.ts'
import { type Consumption, keepInnerSpans, selectFirstPerConsumer } from '../messages/deliveries/first-consumptions.ts'
import { type QueueTime, findLowVolumeQueueTimes, MAX_LOW_VOLUME_SPANS } from './low-volume-queue-times.ts'
import { takeSample } from './sample.ts'
import type { TopologyRequest, Traffic } from './traffic.ts'

/** Target number of sampled consuming spans, over all high-volume topics. */
const MAX_SAMPLED_SPANS = 10_000

/**
 * Limit of single-span lookups: producers before the window, and consumers whose group is
 * ambiguous.
 */
const MAX_LOOK_UPS = 2_000

const MAX_DELIVERIES = 60_000

/**
 * Computes queue times of messages consumed in the window. Both ends are read at query time, so
 * their order of arrival and distance do not matter. Links and spans are sorted by trace id, so an
 * even share of the producing traces is read in long ranges. High-volume topics are sampled this
 * way; low-volume topics are read completely. A message has one queue time per group, of its first
 * consumption (ADR 34).
 *
 * @param consumedOf consuming spans by topic; '' for those that name none, read only if links do
 * @param traffic awaited after the sample was read; before, if some consuming spans name no topic
 */
export async function findQueueTimes(
  request: TopologyRequest,
  consumedOf: ReadonlyMap<string, number>,
  traffic: Promise<readonly Traffic[]>,
): Promise<QueueTime[]> {
  const hasLinked = consumedOf.has('') && (await traffic).some(({ isLinked }) => isLinked)
  const counts = new Map([...consumedOf].filter(([topic]) => topic !== '' || hasLinked))
  const { lowVolumeTopics, highVolumeCount } = splitTopics(counts)
  const takeDeliveries = async (condition: string, params: QueryParams) => {
    const rows = await findSampledDeliveries(request, condition, params)
    return { rows, size: rows.length }
  }
  const [lowVolume, highVolume, known] = await Promise.all([
    lowVolumeTopics.size === 0 ? [] : findLowVolumeQueueTimes(request, [...lowVolumeTopics]),
    highVolumeCount === 0 ? { rows: [] } : takeSample(highVolumeCount, MAX_SAMPLED_SPANS, takeDeliveries),
    traffic,
  ])
  const resolved = await resolveQueueTimes(request, highVolume.rows, known)
  const isLowVolume = ({ topic }: QueueTime): boolean => lowVolumeTopics.has(counts.has(topic) ? topic : '')
  const sampled = resolved.filter((time) => !isLowVolume(time))
  const read = lowVolume.filter(isLowVolume)
  if (!hasLinked || lowVolumeTopics.has('')) return [...read, ...sampled]
  // Only the sample has the messages of polls of several topics.
  return [...sampled, ...selectLarger(read, resolved.filter(isLowVolume))]
}

/** Selects the larger list of queue times per consumer. */
function selectLarger(read: readonly QueueTime[], sampled: readonly QueueTime[]): QueueTime[] {
  const groupByConsumer = (times: readonly QueueTime[]): Map<string, QueueTime[]> =>
    Map.groupBy(times, ({ service, topic, group }) => JSON.stringify([service, topic, group]))
  const readOf = groupByConsumer(read)
  const sampledOf = groupByConsumer(sampled)
  return [...new Set([...readOf.keys(), ...sampledOf.keys()])].flatMap((key) => {
    const [own, other] = [readOf.get(key) ?? [], sampledOf.get(key) ?? []]
    return own.length < other.length ? other : own
  })
}

/** A link or parent of a consumer in the window, with its producer if that is in the window too. */
type Sampled = Consumption & {
  readonly produced: (Interval & { readonly topic: string }) | undefined
  /** Set if the consumer is a child of the producer. Link rows do not hold it. */
  readonly consumed: Consumer | undefined
}

type Consumer = Pick<MessagingSpan, 'group' | 'operation' | 'cluster'>

function splitTopics(counts: ReadonlyMap<string, number>): {
  readonly lowVolumeTopics: ReadonlySet<string>
  /** Spans of all other topics. */
  readonly highVolumeCount: number
} {
  const lowVolumeTopics = new Set<string>()
  let [lowVolumeCount, highVolumeCount] = [0, 0]
  for (const [topic, count] of [...counts].sort(([, a], [, b]) => a - b)) {
    if (highVolumeCount === 0 && lowVolumeCount + count <= MAX_LOW_VOLUME_SPANS) {
      lowVolumeTopics.add(topic)
      lowVolumeCount += count
    } else highVolumeCount += count
  }
  return { lowVolumeTopics, highVolumeCount }
}

/** Finds deliveries of messages whose producing trace satisfies an SQL condition on `trace_id`. */
async function findSampledDeliveries(
  { store, window, options }: TopologyRequest,
  condition: string,
  params: QueryParams,
): Promise<Sampled[]> {
  const allParams = { ...toWindowParams(window), ...params }
  const query = <Row>(sql: string): Promise<Row[]> => store.query<Row>(sql, allParams, options)
  // One row per trace with a tuple per span or link, as there are thousands.
  const [produced, links, children] = await Promise.all([
    query<OfTrace<ProducedColumns>>(
      `select lower(hex(trace_id)) as traceId, groupArray((lower(hex(span_id)), start, toUInt64(start + duration), topic)) as found
      from spans
      where ${inWindow} and messaging_operation in ('create', 'send') and ${condition}
      group by trace_id`,
    ),
    query<OfTrace<LinkColumns>>(
      `select lower(hex(trace_id)) as traceId, groupArray((lower(hex(span_id)), lower(hex(peer_trace_id)),
        lower(hex(peer_span_id)), start, toUInt64(start + duration), service, kind)) as found
      from (
        select trace_id, span_id, peer_trace_id, peer_span_id, start, duration, service, kind
        from span_links
        where ${condition} and direction = 'in' and kind in ('client', 'consumer')
          and start >= {windowStart:UInt64} and start < {windowEnd:UInt64}
          and received >= toDateTime(intDiv({windowStart:UInt64}, 1000000000), 'UTC') - toIntervalDay(1)
        limit ${MAX_DELIVERIES})
      group by trace_id`,
    ),
    query<OfTrace<ChildColumns>>(
      `select lower(hex(trace_id)) as traceId, groupArray((lower(hex(span_id)), lower(hex(parent_span_id)), start, toUInt64(start + duration), kind, service,
        consumer_group, messaging_operation, cluster)) as found
      from (
        select trace_id, span_id, parent_span_id, start, duration, kind, service, consumer_group, messaging_operation, cluster
        from spans
        where ${inWindow} and messaging_operation in ('receive', 'process') and ${condition}
        limit ${MAX_DELIVERIES})
      group by trace_id`,
    ),
  ])
  const producers = new Map(
    produced.flatMap(({ traceId, found }) =>
      found.map(
        ([spanId, start, finish, topic]) =>
          [traceId + spanId, { start: BigInt(start), end: BigInt(finish), topic }] as const,
      ),
    ),
  )
  const linked = links.flatMap(({ traceId, found }) =>
    found.map(([spanId, peerTraceId, peerSpanId, start, finish, service, kind]): Sampled => ({
      producerRef: { traceId, spanId },
      isReceive: kind === 'client',
      consumedRef: { traceId: peerTraceId, spanId: peerSpanId, kind, service },
      produced: producers.get(traceId + spanId),
      start: BigInt(start),
      end: BigInt(finish),
      consumed: undefined,
    })),
  )
  const linkedKeys = new Set(linked.map((one) => toRefKey(one.producerRef) + toSpanKey(one.consumedRef)))
  const parented = children.flatMap(({ traceId, found }) =>
    found.flatMap(([spanId, parentSpanId, start, finish, kind, service, group, operation, cluster]): Sampled[] => {
      const own = { traceId, spanId, kind, service }
      // A consumer may share the span id of its producer.
      const ref = producers.has(toRefKey(own)) ? { traceId, spanId } : { traceId, spanId: parentSpanId }
      const parent = producers.get(toRefKey(ref))
      // A parent that does not produce is the span that the consumer runs in.
      if (parent === undefined || linkedKeys.has(toRefKey(ref) + toSpanKey(own))) return []
      return [
        {
          producerRef: ref,
          isReceive: operation === 'receive',
          consumedRef: own,
          produced: parent,
          start: BigInt(start),
          end: BigInt(finish),
          consumed: { cluster, group, operation },
        },
      ]
    }),
  )
  return keepInnerSpans([...linked, ...parented])
}

type OfTrace<Columns> = { readonly traceId: string; readonly found: readonly Columns[] }
type ProducedColumns = readonly [spanId: string, start: string, finish: string, topic: string]
type LinkColumns = readonly [
  spanId: string,
  peerTraceId: string,
  peerSpanId: string,
  start: string,
  finish: string,
  service: string,
  kind: 'client' | 'consumer',
]
type ChildColumns = readonly [
  spanId: string,
  parentSpanId: string,
  start: string,
  finish: string,
  kind: SpanIdentity['kind'],
  service: string,
  group: string,
  operation: MessagingSpan['operation'],
  cluster: string,
]

/** Completes the rows: from the traffic if that is unambiguous, else by single-span lookups. */
async function resolveQueueTimes(
  access: StoreAccess,
  sampled: readonly Sampled[],
  traffic: readonly Traffic[],
): Promise<QueueTime[]> {
  const consumersOf = Map.groupBy(
    traffic.filter((row) => row.service !== undefined && isConsuming(row)),
    ({ service = '', topic }) => toConsumersKey(service, topic),
  )
  const onlyConsumer = ({ produced, consumedRef: { service } }: Sampled): Traffic | undefined => {
    const all = produced && consumersOf.get(toConsumersKey(service, produced.topic))
    return all?.length === 1 ? all[0] : undefined
  }
  // Several consumptions in a service are retries, redeliveries or records of a bulk send: the
  // consumers' positions tell.
  const sameService = Map.groupBy(sampled, toServiceKey)
  const isRepeated = (one: Sampled): boolean => (sameService.get(toServiceKey(one))?.length ?? 0) > 1
  const toConsumerRef = ({ consumedRef, start }: Sampled): TimedRef => ({ ...consumedRef, start })
  const open = sampled.flatMap((one) => [
    ...(one.produced === undefined ? [{ ...one.producerRef, before: one.start }] : []),
    ...(one.consumed === undefined && onlyConsumer(one) === undefined ? [toConsumerRef(one)] : []),
  ])
  const lookUps = [...open, ...sampled.filter(isRepeated).map(toConsumerRef)].slice(0, MAX_LOOK_UPS)
  const found = await findSpansByRef<EndRow>(access, lookUps, endColumns)
  const resolved = sampled.flatMap((one) => {
    const producer = selectProducer(found.get(toRefKey(one.producerRef)), one.consumedRef)
    const end = findBySpan(found.get(toRefKey(one.consumedRef)), one.consumedRef)
    const consumer = one.consumed ?? end ?? onlyConsumer(one)
    const sent = one.produced ?? (producer && { start: BigInt(producer.start), end: BigInt(producer.finish) })
    if (sent === undefined || consumer === undefined) return []
    if (producer !== undefined && isConsuming(producer)) return []
    if (!isConsuming(consumer)) return []
    const { cluster, group, operation } = consumer
    const topic = one.produced?.topic ?? producer?.topic ?? ''
    const record = end ?? { cluster, topic: '', partition: '', offset: '' }
    const time = Number(computeQueueTime(sent, { start: one.start, end: one.end, operation }))
    const isUnknown = end === undefined && isRepeated(one)
    return [
      {
        ...one,
        group,
        record,
        isUnknown,
        isReceive: operation === 'receive',
        queueTime: { service: one.consumedRef.service, cluster, topic, group, operation, time },
      },
    ]
  })
  // Above the limit of lookups, each consumption counts.
  const [unknown, known] = [resolved.filter((one) => one.isUnknown), resolved.filter((one) => !one.isUnknown)]
  return [...unknown, ...selectFirstPerConsumer(known)].map(({ queueTime }) => queueTime)
}

function toServiceKey({ producerRef, consumedRef }: Sampled): string {
  return `${toRefKey(producerRef)} ${consumedRef.service}`
}

type EndRow = SpanIdentity & Consumer & RecordIdentity & { readonly start: string; readonly finish: string }

const endColumns = `${identityColumns}, start,
  toUInt64(start + duration) as finish, messaging_operation as operation, cluster, topic, partition, ${offsetColumn},
  consumer_group as group`

/** Length prefixes delimit names. */
function toConsumersKey(service: string, topic: string): string {
  return `${service.length} ${service}${topic}`
}
