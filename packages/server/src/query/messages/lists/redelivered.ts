import type { Message } from '@spanlink/api-schema'
import { toRefKey, toSpanKey, type SpanRef } from '../../links/span-ref.ts'
import { findBatchSizes } from '../../messaging/batch-sizes.ts'
import { findDeliveries, createSpanLookup, findMessageOrigins } from '../deliveries/find-deliveries.ts'
import { groupByConsumer } from '../deliveries/consumer-groups.ts'
import { countDeliveries, type CountedDelivery, findSharedParents } from '../deliveries/count-deliveries.ts'
import { type ConsumedDelivery, type Delivery, isConsumed, toConsumedRecord } from '../deliveries/delivery.ts'
import { groupByRecord } from '../deliveries/group-by-record.ts'
import { findSamePosition, splitByContext } from '../deliveries/same-position.ts'
import { addProcessingSpans } from '../deliveries/processing-spans.ts'
import {
  filterConsumers,
  isRequested,
  type FoundMessages,
  type MessageListRequest,
  MAX_SCANNED_SPANS,
  compareNewestFirst,
} from '../message-list.ts'
import { keepInnermost, type MessagingSpan, toMessageSpan } from '../messaging-spans/messaging-span.ts'
import { findNewestMessagingSpans } from '../messaging-spans/newest-messaging-spans.ts'

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
 * partition and offset, unless their creation contexts differ; or, without offsets, the same
 * creation context if it belongs to one message only.
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
  const [deliveries, samePosition] = await Promise.all([
    findDeliveries(store, [...producers.values()], options, ends, selectUnstored(origins)).then((found) =>
      addProcessingSpans(store, found, options, ends),
    ),
    findSamePosition(
      request,
      condition,
      consumers.filter((end) => !led.has(toSpanKey(end))),
    ),
  ])
  const looked = new Set(consumers.map(toSpanKey))
  const others = samePosition.flat().filter((end) => !looked.has(toSpanKey(end)))
  const originsOf = Map.groupBy(
    [...origins, ...(await findMessageOrigins(store, others, options, ends))],
    ({ consumedRef }) => toSpanKey(consumedRef),
  )
  const sameOffset = samePosition
    .flatMap((same) => splitByContext(same, (end) => selectContexts(end, originsOf.get(toSpanKey(end)) ?? [])))
    .filter(isRepeated)
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
    // messages. Unknown if the producer is not stored.
    const isShared = any?.producer === undefined || (batchSizes.get(toSpanKey(any.producer)) ?? 0) > 1
    const certain = isShared ? group.filter(({ offset }) => offset !== '') : group
    const first = certain.find(({ offset }) => offset !== '') ?? certain[0]
    if (first !== undefined) add(certain, first.producer, first)
  }
  const added = new Set([...found.values()].flatMap(({ ends: attempts }) => attempts.map(toSpanKey)))
  for (const same of sameOffset) {
    if (same.some((end) => added.has(toSpanKey(end)))) continue
    const producer = same
      .flatMap((end) => originsOf.get(toSpanKey(end)) ?? [])
      .find((one) => one.producer !== undefined)?.producer
    const [first] = same
    const spans = same.map((consumed) => ({ consumed, producer }))
    if (first !== undefined) add(spans, producer, first)
  }
  // A message is listed at its last delivery; if that is on an earlier page, it is already listed.
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
    found.set(key, { message, last, ends: attempts, deliveries: countDeliveries(all, parents) })
  }
}

type Repeated = RepeatedMessages['repeated'][number] & {
  readonly last: MessagingSpan
  readonly ends: readonly MessagingSpan[]
}

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

/** Contexts of producers that are not stored, of messages that are identified by their position. */
function selectUnstored(origins: readonly Delivery[]): SpanRef[] {
  const positioned = origins.filter(
    (one) => one.producer === undefined && one.partition !== '' && one.offset !== '' && isLinked(one),
  )
  return [...new Map(positioned.map(({ producerRef }) => [toRefKey(producerRef), producerRef])).values()]
}

/**
 * The creation contexts of the message at a span's position. A parent that is not stored may be any
 * span.
 */
function selectContexts({ partition, offset }: MessagingSpan, origins: readonly Delivery[]): ReadonlySet<string> {
  const known = origins.filter((one) => one.producer !== undefined || isLinked(one))
  const same = known.filter((one) => one.partition === partition && one.offset === offset)
  return new Set(same.map(({ producerRef }) => toRefKey(producerRef)))
}

function isLinked({ producerRef, consumedRef, outerRef = consumedRef }: Delivery): boolean {
  return producerRef.traceId !== outerRef.traceId
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
