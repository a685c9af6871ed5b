import { toRefKey, toSpanKey } from '../../links/span-ref.ts'
import { toConsumerId } from '../message-list.ts'
import type { RecordIdentity } from './delivery.ts'
import { groupByRecord } from './group-by-record.ts'
import { type Consumption, keepInnerSpans } from './outer-spans.ts'

export type RecordConsumption = Consumption & { readonly record: RecordIdentity }

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
