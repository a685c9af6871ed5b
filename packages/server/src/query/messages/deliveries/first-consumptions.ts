import { toRefKey, toSpanKey, type SpanIdentity, type SpanRef } from '../../links/span-ref.ts'
import { toConsumerId } from '../message-list.ts'
import type { MessagingSpan } from '../messaging-spans/messaging-span.ts'
import type { RecordIdentity } from './delivery.ts'
import { groupByRecord } from './group-by-record.ts'

/** A span that consumed a message, as far as span rows and link rows show. */
export type Consumption = {
  readonly producerRef: SpanRef
  readonly consumedRef: SpanIdentity
  /** Absent if unknown. */
  readonly parentSpanId?: string
  readonly isReceive: boolean
  readonly start: bigint
  readonly end: bigint
}

export type RecordConsumption = Consumption & { readonly record: RecordIdentity }

/** Describes how this span consumed a message of a producer. */
export function toConsumption(producerRef: SpanRef, consumer: MessagingSpan): Consumption & { readonly group: string } {
  const { parentSpanId, start, end, group } = consumer
  const isReceive = consumer.operation !== 'process'
  return { producerRef, consumedRef: consumer, parentSpanId, isReceive, start, end, group }
}

/**
 * Selects the first consumption per message and consumer: a retry or redelivery waited no longer.
 */
export function selectFirstPerConsumer<One extends RecordConsumption & { readonly group: string }>(
  spans: readonly One[],
): One[] {
  const consumers = Map.groupBy(spans, ({ producerRef, consumedRef: { service }, group }) => {
    return `${toRefKey(producerRef)} ${toConsumerId({ group, service })}`
  })
  return [...consumers.values()].flatMap((all) => selectFirstOfRecords(all).map(({ first }) => first))
}

/** Selects the first consumption per record, of one producer and consumer. */
export function selectFirstOfRecords<One extends RecordConsumption>(
  sameConsumer: readonly One[],
): { readonly first: One; readonly certain: readonly One[] }[] {
  return groupByRecord(sameConsumer, ({ record }) => record).flatMap(({ certain, possible }) =>
    // A `process` span that may be of several messages is one of theirs, unknown which.
    selectFirst([...certain, ...possible.filter(({ isReceive }) => isReceive)]).map((first) => ({ first, certain })),
  )
}

/** Selects the first consumption of one message: none for an empty list. */
function selectFirst<One extends Consumption>(spans: readonly One[]): One[] {
  const sorted = spans.toSorted((a, b) => (a.start < b.start ? -1 : 1))
  const processed = keepInnerSpans(sorted.filter(({ isReceive }) => !isReceive))
  const received = sorted.filter(({ isReceive }) => isReceive)
  // The last receive before a process span is of the same delivery; earlier ones are others.
  const handedOver = new Set(
    processed
      .flatMap(({ start, consumedRef: { traceId } }) => {
        const before = received.filter((one) => one.start <= start)
        return (before.findLast((one) => one.consumedRef.traceId === traceId) ?? before.at(-1))?.consumedRef ?? []
      })
      .map(toSpanKey),
  )
  const open = received.filter(({ consumedRef }) => !handedOver.has(toSpanKey(consumedRef)))
  return [...processed, ...open].reduce<One[]>(
    ([first], one) => [first === undefined || one.start < first.start ? one : first],
    [],
  )
}

/**
 * Keeps the innermost of the spans in one trace that consumed the same message. Receive and batch
 * spans link to the producers of all their messages, as do the spans per message. Link rows have no
 * parent id: there, times show which span lies within another.
 */
export function keepInnerSpans<One extends Consumption>(spans: readonly One[]): One[] {
  const deliveries = Map.groupBy(
    spans,
    ({ producerRef, consumedRef }) => `${toRefKey(producerRef)} ${consumedRef.traceId} ${consumedRef.service}`,
  )
  return [...deliveries.values()].flatMap((found) => {
    // A span may link to its producer several times.
    const all = found.length < 2 ? found : uniqueBySpan(found)
    const processed = all.filter(({ isReceive }) => !isReceive)
    const same = processed.length > 0 ? processed : all
    if (same.length > MAX_COMPARED) return same
    return same.filter(
      (outer, index) => sharesProducerId(outer) || !same.some((one, at) => isWithin(one, outer, at > index)),
    )
  })
}

/** The children of such an id are other consumers of the producer. */
function sharesProducerId({ producerRef, consumedRef }: Consumption): boolean {
  return toRefKey(consumedRef) === toRefKey(producerRef)
}

function uniqueBySpan<One extends Consumption>(spans: readonly One[]): One[] {
  return [...new Map(spans.map((one) => [toSpanKey(one.consumedRef), one])).values()]
}

/** Limit of consuming spans per producer context and trace. Above it, outer spans are kept too. */
const MAX_COMPARED = 500

/**
 * JavaScript SDKs round starts to milliseconds: a child may start before its parent, or end after
 * it.
 */
const CLOCK_STEP_NANO = 2_000_000n

/** @param isLater decides between spans of the same duration */
function isWithin(one: Consumption, outer: Consumption, isLater: boolean): boolean {
  const [{ spanId }, { spanId: outerId }] = [one.consumedRef, outer.consumedRef]
  if (spanId === outerId || outer.parentSpanId === spanId) return false
  if (one.parentSpanId === outerId) return true
  const areSiblings = one.parentSpanId !== undefined && one.parentSpanId === outer.parentSpanId
  const [duration, outerDuration] = [one.end - one.start, outer.end - outer.start]
  if (areSiblings || duration > outerDuration || (duration === outerDuration && !isLater)) return false
  return outer.start - CLOCK_STEP_NANO <= one.start && one.end <= outer.end + CLOCK_STEP_NANO
}
