import type { RecordMetadata } from '@spanlink/api-schema'
import { toRefKey, toSpanKey, type SpanRef } from '../../links/span-ref.ts'
import { findKnownRecords, type Sender, type ConsumedRecord } from '../../records/missed-records.ts'
import { UNKNOWN_RECORD } from '../../records/record-metadata.ts'
import type { SpanLookup } from '../messaging-spans/span-lookup.ts'
import type { FoundLink } from '../messaging-spans/stored-span.ts'
import { isProducing, type MessagingSpan } from '../messaging-spans/messaging-span.ts'
import type { Delivery } from './delivery.ts'
import { findSendSizes } from './batch-sizes.ts'
import { findDeliveries } from './find-deliveries.ts'
import { findOuterSends } from './nested-sends.ts'

type SenderSpan = Sender & { readonly producer: MessagingSpan }

/**
 * Finds which records of these producers were consumed, and by whom. Omits producers whose message
 * another span sends.
 */
export async function findSenders(lookup: SpanLookup, producers: readonly MessagingSpan[]): Promise<SenderSpan[]> {
  const [deliveries, creationLinks] = await Promise.all([
    findDeliveries(lookup, producers),
    lookup.linksFrom(producers),
  ])
  const contextsOf = Map.groupBy(creationLinks, ({ consumedRef }) => toSpanKey(consumedRef))
  const contextDeliveries = await findContextDeliveries(lookup, creationLinks)
  const found = Map.groupBy([...deliveries, ...contextDeliveries], ({ producerRef }) => toRefKey(producerRef))
  const toConsumedRecords = (context: SpanRef, batches: ReadonlySet<string>): ConsumedRecord[] =>
    (found.get(toRefKey(context)) ?? []).map((delivery) => toConsumedRecord(delivery, batches))
  const unconsumed = producers.filter((producer) => !found.has(toRefKey(producer)))
  const outer = await findOuterSends(lookup, unconsumed)
  const sending = producers.filter((producer) => !outer.has(toSpanKey(producer)))
  const senders = sending.map((producer) => {
    const own = { ...producer, key: '' }
    const records = toConsumedRecords(producer, NO_BATCHES)
    return { producer, own, records, known: findKnownRecords(own, records) }
  })
  // The position of a consumer that received several messages is that of one of them.
  const doubtful = senders
    .filter(({ known }) => known.length > 1)
    .flatMap(({ producer }) => found.get(toRefKey(producer)) ?? [])
    .flatMap(({ linked, consumed }) => (consumed !== undefined && linked.offset === '' ? [consumed] : []))
  const [batches, sizes] = await Promise.all([
    findBatchSpans(lookup, doubtful),
    findSendSizes(
      lookup,
      senders.filter(({ known }) => known.length > 0).map(({ producer }) => producer),
    ),
  ])
  return senders.map(({ producer, own, records, known }) => {
    const contexts = contextsOf.get(toSpanKey(producer)) ?? []
    return {
      producer,
      own,
      consumed: known.length > 1 ? toConsumedRecords(producer, batches) : records,
      // A message may carry the context that it was created from, as with an outbox.
      forwarded: contexts.flatMap(({ producerRef }) => toConsumedRecords(producerRef, NO_BATCHES)),
      // A send that links to creation contexts counts their messages too.
      count: contexts.length === 0 ? (sizes.get(toSpanKey(producer)) ?? 0) : 0,
    }
  })
}

const NO_BATCHES: ReadonlySet<string> = new Set()

/** Finds the consumers of the contexts that sends link to. A consuming span is no such context. */
async function findContextDeliveries(lookup: SpanLookup, links: readonly FoundLink[]): Promise<Delivery[]> {
  const refs = new Map(
    links.map(({ producerRef, consumedRef }) => [toRefKey(producerRef), { ...producerRef, before: consumedRef.start }]),
  )
  const contexts = await lookup.spansByRef([...refs.values()])
  const producing = [...refs].flatMap(([key, ref]): MessagingSpan[] => {
    const sharers = contexts.get(key)
    if (sharers === undefined) return [toUnstoredSpan(ref)]
    return sharers.filter(isProducing).slice(0, 1)
  })
  return await findDeliveries(lookup, producing)
}

/** A context that is not sampled: its consumers link to it all the same. */
function toUnstoredSpan({ traceId, spanId, before }: SpanRef & { readonly before: bigint }): MessagingSpan {
  return {
    ...UNKNOWN_RECORD,
    traceId,
    spanId,
    parentSpanId: '',
    kind: 'producer',
    service: '',
    name: '',
    status: 'unset',
    operation: 'create',
    group: '',
    start: before,
    end: before,
  }
}

/** Finds which of these spans carry several links, by `toSpanKey`. */
async function findBatchSpans(lookup: SpanLookup, spans: readonly MessagingSpan[]): Promise<ReadonlySet<string>> {
  const links = await lookup.linksFrom(spans)
  const linking = Map.groupBy(links, ({ consumedRef }) => toSpanKey(consumedRef))
  return new Set([...linking].filter(([, all]) => all.length > 1).map(([key]) => key))
}

/** The producer's position is left out: it describes one of its records. */
function toConsumedRecord({ linked, consumed, cluster, key }: Delivery, batches: ReadonlySet<string>): ConsumedRecord {
  const isBatch = consumed !== undefined && batches.has(toSpanKey(consumed))
  const record: RecordMetadata = {
    cluster: cluster || consumed?.cluster || '',
    topic: linked.topic || consumed?.topic || '',
    partition: linked.partition || consumed?.partition || '',
    offset: linked.offset || (isBatch ? '' : (consumed?.offset ?? '')),
    key,
  }
  // A consumer that is not stored is known only from its link.
  return { record, consumer: consumed ?? { group: '', service: undefined } }
}
