import type { Message } from '@spanlink/api-schema'
import { toRefKey, toSpanKey, type SpanIdentity } from '../../links/span-ref.ts'
import { findBatchSizes } from '../../messaging/batch-sizes.ts'
import { inWindow, toWindowParams } from '../../sql/time-window.ts'
import { findDeliveries, createSpanLookup, findMessageOrigins } from '../deliveries/find-deliveries.ts'
import { groupByConsumer } from '../deliveries/consumer-groups.ts'
import { countDeliveries, type CountedDelivery, findSharedParents } from '../deliveries/count-deliveries.ts'
import { type ConsumedDelivery, type Delivery, isConsumed, toConsumedRecord } from '../deliveries/delivery.ts'
import { groupByRecord } from '../deliveries/group-by-record.ts'
import { addProcessingSpans } from '../deliveries/processing-spans.ts'
import {
  filterConsumers,
  isRequested,
  type FoundMessages,
  type MessageListRequest,
  MAX_SCANNED_SPANS,
  compareNewestFirst,
} from '../message-list.ts'
import { findMessagingSpans, keyBySpan } from '../messaging-spans/find-messaging-spans.ts'
import { keepInnermost, type MessagingSpan, toMessageSpan } from '../messaging-spans/messaging-span.ts'
import { type MessagingSpanCondition, findNewestMessagingSpans } from '../messaging-spans/newest-messaging-spans.ts'

/**
 * Finds messages that one group received more than once. A `receive` and a `process` span are one
 * delivery, as are the `process` spans of one poll: those are retries in place.
 */
export async function findRedelivered(request: MessageListRequest): Promise<FoundMessages> {
  const { repeated, scannedUntil } = await findRepeated(request)
  const messages = repeated.flatMap(({ message, deliveries }) => (deliveries > 1 ? [message] : []))
  return { messages, scannedUntil }
}

export type RepeatedMessages = Pick<FoundMessages, 'scannedUntil'> & {
  /** Newest first. */
  readonly repeated: readonly { readonly message: Message; readonly deliveries: number }[]
}

/**
 * Finds messages that one group consumed more than once: several spans with the same topic,
 * partition and offset; or, without offsets, the same creation context if it belongs to one message
 * only.
 */
export async function findRepeated(request: MessageListRequest): Promise<RepeatedMessages> {
  const { store, window, before, options } = request
  const condition = filterConsumers(request)
  const { spans: consumers, scannedUntil } = await findNewestMessagingSpans(
    store,
    window,
    condition,
    before,
    MAX_SCANNED_SPANS,
    options,
  )
  const origins = await findMessageOrigins(store, consumers, options)
  const producers = new Map(
    origins.flatMap(({ producer }) => (producer ? [[toRefKey(producer), producer] as const] : [])),
  )
  // Links and parents find the other consumers of a producer's message without a scan of the
  // window.
  const led = new Set(origins.flatMap(({ producer, consumedRef }) => (producer ? [toSpanKey(consumedRef)] : [])))
  const ends = createSpanLookup(store, options, consumers)
  const [deliveries, sameOffset] = await Promise.all([
    findDeliveries(store, [...producers.values()], options, ends).then((found) =>
      addProcessingSpans(store, found, options, ends),
    ),
    findSameOffset(
      request,
      condition,
      consumers.filter((end) => !led.has(toSpanKey(end))),
    ),
  ])
  const groups = groupByMessage(deliveries).filter((group) => isRepeated(group.map(({ consumed }) => consumed)))
  const [batchSizes, parents] = await Promise.all([
    findBatchSizes(
      store,
      [
        ...groups.flatMap((group) => group.flatMap((one) => [one.producer ?? [], one.consumedRef].flat())),
        ...sameOffset.flat(),
      ],
      options,
    ),
    findSharedParents(
      [...groups, ...sameOffset.map((same) => same.map((consumed) => ({ consumed, producer: undefined })))],
      ends,
    ),
  ])
  const found = new Map<string, Repeated>()
  for (const group of groups) {
    const [any] = group
    // A creation context shared by a batch: each consumer may have received another of its
    // messages.
    const isShared = any?.producer !== undefined && (batchSizes.get(toSpanKey(any.producer)) ?? 0) > 1
    const certain = isShared ? group.filter(({ offset }) => offset !== '') : group
    const first = certain.find(({ offset }) => offset !== '') ?? certain[0]
    if (first !== undefined) add(certain, first.producer, first)
  }
  const origin = new Map(origins.map((one) => [toSpanKey(one.consumedRef), one.producer]))
  for (const ends of sameOffset) {
    const producer = ends.map((end) => origin.get(toSpanKey(end))).find((end) => end !== undefined)
    const [first] = ends
    const spans = ends.map((consumed) => ({ consumed, producer }))
    if (first !== undefined) add(spans, producer, first)
  }
  // A message is listed at its last delivery; if that is on an earlier page, it is already listed.
  const looked = new Set(consumers.map(toSpanKey))
  const listed = [...found.values()].filter(
    ({ message, last }) => looked.has(toSpanKey(last)) && isRequested(message, request),
  )
  const repeated = listed.toSorted((a, b) => compareNewestFirst(a.message, b.message))
  return { repeated, scannedUntil }

  function add(
    all: readonly CountedDelivery[],
    producer: MessagingSpan | undefined,
    { topic, partition, offset, cluster = '', key: toMessageKey = '' }: RedeliveredRecord,
  ): void {
    const ends = selectAttempts(
      all.map(({ consumed }) => consumed),
      batchSizes,
    )
    if (ends.length < 2) return
    const attempts = ends.toSorted((a, b) => (a.start < b.start ? -1 : 1))
    const last = attempts.findLast((end) => end.start < window.end)
    const [first] = attempts
    if (last === undefined || first === undefined) return
    // The spans of a batch are attempts at each of its messages.
    const identity = offset === '' && producer !== undefined ? [toRefKey(producer)] : [topic, partition, offset]
    const key = JSON.stringify([attempts.map(toSpanKey), identity])
    if (found.has(key)) return
    const message: Message = {
      traceId: last.traceId,
      spanId: last.spanId,
      cluster,
      topic,
      partition,
      offset,
      key: toMessageKey,
      consumerGroup: last.group,
      timeUnixNano: String(last.start),
      waitNano: String(last.end - (producer ?? first).start),
      producer: producer === undefined ? null : toMessageSpan(producer, undefined),
      attempts: attempts.map((end) => toMessageSpan(end, producer)),
    }
    found.set(key, { message, last, deliveries: countDeliveries(all, parents) })
  }
}

type Repeated = RepeatedMessages['repeated'][number] & { readonly last: MessagingSpan }

type RedeliveredRecord = Pick<Delivery, 'topic' | 'partition' | 'offset'> & Partial<Pick<Delivery, 'cluster' | 'key'>>

/**
 * Groups by record and consumer. Spans that may be of several records are excluded: each may be of
 * another.
 */
function groupByMessage(deliveries: readonly Delivery[]): ConsumedDelivery[][] {
  return groupByConsumer(deliveries.filter(isConsumed)).flatMap((all) =>
    // Several links of one span are one delivery.
    groupByRecord(all, toConsumedRecord).map(({ certain }) => [
      ...new Map(certain.map((one) => [toSpanKey(one.consumedRef), one])).values(),
    ]),
  )
}

/** Whether several spans have the same operation, `receive` or `process`. */
function isRepeated(ends: readonly MessagingSpan[]): boolean {
  return [...Map.groupBy(ends, (end) => end.operation).values()].some((same) => same.length > 1)
}

/**
 * Selects one span per attempt. `receive` and `process` are one delivery, as are a batch's span
 * and its messages' spans, and nested spans. Returns `receive` spans if there are more of them than
 * of `process`.
 */
export function selectAttempts(
  all: readonly MessagingSpan[],
  batchSizes: ReadonlyMap<string, number>,
): MessagingSpan[] {
  const of = (operation: 'process' | 'receive'): MessagingSpan[] => {
    const same = all.filter((end) => end.operation === operation)
    const single = same.filter((end) => !batchSizes.has(toSpanKey(end)))
    return keepInnermost(single.length > 0 ? single : same)
  }
  const [processed, received] = [of('process'), of('receive')]
  return received.length > processed.length ? received : processed
}

/** Finds consuming spans whose topic, partition and offset another span of the window has too. */
async function findSameOffset(
  { store, window, options }: MessageListRequest,
  condition: MessagingSpanCondition,
  consumers: readonly MessagingSpan[],
): Promise<MessagingSpan[][]> {
  const numbered = consumers.filter((end) => end.offset !== '' && end.partition !== '')
  if (numbered.length === 0) return []
  // Filters by offset first, a narrow column; the grouping then compares the whole message.
  const offsets = [...new Set(numbered.map((end) => end.offset))]
  const topics = [...new Set(numbered.map((end) => end.topic))]
  const known = new Set(numbered.map(messageKey))
  const taken = `${inWindow} and ${condition.sql} and message_offset >= 0 and partition != ''`
  const message = 'cluster, topic, partition, message_offset, consumer_group, service'
  const isTwice = (operation: string): string =>
    `uniqExactIf((trace_id, span_id, kind), messaging_operation = '${operation}') > 1`
  const rows = await store.query<Taken>(
    `select topic, partition, message_offset as offset, consumer_group as group, service,
      groupUniqArray(100)((lower(hex(trace_id)), lower(hex(span_id)), toString(kind))) as spans
    from spans
    where ${taken} and message_offset in (select toInt64(arrayJoin({offsets:Array(String)}))) and topic in {topics:Array(String)}
    group by ${message}
    having ${isTwice('receive')} or ${isTwice('process')}`,
    { ...toWindowParams(window), ...condition.params, offsets, topics },
    options,
  )
  const groups = rows
    .filter((row) => known.has(messageKey(row)))
    .map(({ spans, service }) => spans.map(([traceId, spanId, kind]) => ({ traceId, spanId, kind, service })))
  const ends = keyBySpan([...(await findMessagingSpans(store, groups.flat(), options)).values()].flat())
  return groups.map((group) => group.flatMap((span) => ends.get(toSpanKey(span)) ?? []))
}

type Taken = Pick<MessagingSpan, 'topic' | 'partition' | 'offset' | 'group' | 'service'> & {
  readonly spans: readonly (readonly [traceId: string, spanId: string, kind: SpanIdentity['kind']])[]
}

function messageKey({ topic, partition, offset, group, service }: Omit<Taken, 'spans'>): string {
  return JSON.stringify([topic, partition, offset, group, service])
}
