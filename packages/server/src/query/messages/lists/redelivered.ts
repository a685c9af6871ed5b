import type { Message, RecordMetadata } from '@spanlink/api-schema'
import { toRefKey, toSpanKey, type SpanRef } from '../../links/span-ref.ts'
import { findBatchSizes } from '../deliveries/batch-sizes.ts'
import { findDeliveries, findIncomingDeliveries } from '../deliveries/find-deliveries.ts'
import { groupByConsumer } from '../deliveries/consumer-groups.ts'
import { countDeliveries, type CountedDelivery, findSharedParents } from '../deliveries/count-deliveries.ts'
import {
  type ConsumedDelivery,
  type Delivery,
  isConsumed,
  listProducers,
  toRecordIdentity,
} from '../deliveries/delivery.ts'
import { groupByRecord } from '../deliveries/group-by-record.ts'
import { findAtSameOffset, splitByContext } from '../deliveries/same-offset.ts'
import { addProcessingSpans } from '../deliveries/processing-spans.ts'
import { selectRepeatable } from '../deliveries/repeatable.ts'
import {
  filterConsumers,
  isRequested,
  type FoundMessages,
  type MessageListReader,
  type MessageListRequest,
  compareNewestFirst,
} from '../message-list.ts'
import { keepInnermost, type MessagingSpan, toMessage } from '../messaging-spans/messaging-span.ts'
import {
  createSpanScan,
  type MessagingSpanCondition,
  type ScannedSpans,
  type ScanStep,
} from '../messaging-spans/newest-messaging-spans.ts'

/**
 * Finds messages that one group received more than once. A `receive` and a `process` span are one
 * delivery, as are the `process` spans of one poll: those are retries in place.
 */
export function createRedeliveredList(request: MessageListRequest): MessageListReader {
  const findRepeated = createRepeatedList(request)
  return async (step) => {
    const { repeated, scannedUntil } = await findRepeated(step)
    const messages = repeated.flatMap(({ message, deliveries }) => (deliveries > 1 ? [message] : []))
    return { messages, scannedUntil }
  }
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
export function createRepeatedList(request: MessageListRequest): (step: ScanStep) => Promise<RepeatedMessages> {
  const condition = filterConsumers(request)
  const scan = createSpanScan(request, condition)
  return async (step) => {
    const { spans, scannedUntil } = await scan(step)
    return { repeated: await findRepeated(request, condition, spans), scannedUntil }
  }
}

async function findRepeated(
  request: MessageListRequest,
  condition: MessagingSpanCondition,
  consumers: ScannedSpans['spans'],
): Promise<RepeatedMessages['repeated']> {
  const { lookup, window, group } = request
  lookup.add(consumers)
  const scannedKeys = new Set(consumers.map(toSpanKey))
  const incoming = await findIncomingDeliveries(lookup, consumers)
  // Links and parents find the other consumers of a producer's message without a scan of the
  // window.
  const withProducer = new Set(
    incoming.flatMap(({ producer, consumedRef }) => (producer ? [toSpanKey(consumedRef)] : [])),
  )
  const [deliveries, atSameOffset] = await Promise.all([
    findDeliveries(lookup, listProducers(incoming), selectUnstored(incoming)).then((found) =>
      addProcessingSpans(lookup, selectRepeatable(found, { incoming, scannedKeys, group })),
    ),
    findAtSameOffset(
      request,
      condition,
      consumers.filter((span) => !withProducer.has(toSpanKey(span))),
    ),
  ])
  const others = atSameOffset.flat().filter((span) => !scannedKeys.has(toSpanKey(span)))
  const incomingOf = Map.groupBy([...incoming, ...(await findIncomingDeliveries(lookup, others))], ({ consumedRef }) =>
    toSpanKey(consumedRef),
  )
  const sameRecord = atSameOffset
    .flatMap((same) => splitByContext(same, (span) => selectContexts(span, incomingOf.get(toSpanKey(span)) ?? [])))
    .filter(isRepeated)
  const groups = groupByMessage(deliveries).filter((same) => isRepeated(same.map(({ consumed }) => consumed)))
  const [batchSizes, parents] = await Promise.all([
    findBatchSizes(lookup, [
      ...groups.flatMap((same) => same.flatMap((one) => [one.producer ?? [], one.consumedRef].flat())),
      ...sameRecord.flat(),
    ]),
    findSharedParents(
      [...groups, ...sameRecord.map((same) => same.map((consumed) => ({ consumed, producer: undefined })))],
      lookup,
    ),
  ])
  const found = new Map<string, Repeated>()
  for (const same of groups) {
    const [any] = same
    // A creation context shared by a batch: each consumer may have received another of its
    // messages. Unknown if the producer is not stored.
    const isShared = any?.producer === undefined || (batchSizes.get(toSpanKey(any.producer)) ?? 0) > 1
    const certain = isShared ? same.filter(({ offset }) => offset !== '') : same
    const first = certain.find(({ offset }) => offset !== '') ?? certain[0]
    if (first !== undefined) add(certain, first.producer, first)
  }
  const added = new Set([...found.values()].flatMap(({ attempts }) => attempts.map(toSpanKey)))
  for (const same of sameRecord) {
    if (same.some((span) => added.has(toSpanKey(span)))) continue
    const producer = same
      .flatMap((span) => incomingOf.get(toSpanKey(span)) ?? [])
      .find((one) => one.producer !== undefined)?.producer
    const [first] = same
    const spans = same.map((consumed) => ({ consumed, producer }))
    if (first !== undefined) add(spans, producer, { ...first, key: '' })
  }
  // A message is listed at its last delivery; if that is on an earlier page, it is already listed.
  const listed = [...found.values()].filter(
    ({ message, last }) => scannedKeys.has(toSpanKey(last)) && isRequested(message, request),
  )
  return listed.toSorted((a, b) => compareNewestFirst(a.message, b.message))

  function add(all: readonly CountedDelivery[], producer: MessagingSpan | undefined, record: RecordMetadata): void {
    const spans = selectAttempts(
      all.map(({ consumed }) => consumed),
      batchSizes,
    )
    if (spans.length < 2) return
    const attempts = spans.toSorted((a, b) => (a.start < b.start ? -1 : 1))
    const last = attempts.findLast((span) => span.start < window.end)
    const [first] = attempts
    if (last === undefined || first === undefined) return
    // The spans of a batch are attempts at each of its messages.
    const { topic, partition, offset } = record
    const identity = offset === '' && producer !== undefined ? [toRefKey(producer)] : [topic, partition, offset]
    const key = JSON.stringify([attempts.map(toSpanKey), identity])
    if (found.has(key)) return
    const message = toMessage(last, record, {
      group: last.group,
      waitNano: last.end - (producer ?? first).start,
      producer,
      attempts: attempts.map((consumer) => ({ consumer, producer })),
    })
    found.set(key, { message, last, attempts, deliveries: countDeliveries(all, parents) })
  }
}

type Repeated = RepeatedMessages['repeated'][number] & {
  readonly last: MessagingSpan
  readonly attempts: readonly MessagingSpan[]
}

/**
 * Groups by record and consumer. Spans that may be of several records are excluded: each may be of
 * another.
 */
function groupByMessage(deliveries: readonly Delivery[]): ConsumedDelivery[][] {
  return groupByConsumer(deliveries.filter(isConsumed)).flatMap((all) =>
    // Several links of one span are one delivery.
    groupByRecord(all, toRecordIdentity).map(({ certain }) => [
      ...new Map(certain.map((one) => [toSpanKey(one.consumedRef), one])).values(),
    ]),
  )
}

/** Contexts of producers that are not stored, of messages that are identified by their position. */
function selectUnstored(incoming: readonly Delivery[]): SpanRef[] {
  const positioned = incoming.filter(
    (one) => one.producer === undefined && one.partition !== '' && one.offset !== '' && isLinked(one),
  )
  return [...new Map(positioned.map(({ producerRef }) => [toRefKey(producerRef), producerRef])).values()]
}

/**
 * The creation contexts of the message at a span's position. A parent that is not stored may be any
 * span.
 */
function selectContexts({ partition, offset }: MessagingSpan, incoming: readonly Delivery[]): ReadonlySet<string> {
  const known = incoming.filter((one) => one.producer !== undefined || isLinked(one))
  const same = known.filter((one) => one.partition === partition && one.offset === offset)
  return new Set(same.map(({ producerRef }) => toRefKey(producerRef)))
}

function isLinked({ producerRef, consumedRef, outerRef = consumedRef }: Delivery): boolean {
  return producerRef.traceId !== outerRef.traceId
}

/** Whether several spans have the same operation, `receive` or `process`. */
function isRepeated(spans: readonly MessagingSpan[]): boolean {
  return [...Map.groupBy(spans, (span) => span.operation).values()].some((same) => same.length > 1)
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
  const select = (operation: 'process' | 'receive'): MessagingSpan[] => {
    const same = all.filter((span) => span.operation === operation)
    const single = same.filter((span) => !batchSizes.has(toSpanKey(span)))
    return keepInnermost(single.length > 0 ? single : same)
  }
  const [processed, received] = [select('process'), select('receive')]
  return received.length > processed.length ? received : processed
}
