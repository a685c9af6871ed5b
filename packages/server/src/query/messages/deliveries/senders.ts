import type { RecordMetadata } from '@spanlink/api-schema'
import type { QueryOptions, Store } from '../../../clickhouse/store.ts'
import { producingOperations } from '../../../clickhouse/insert/messaging/semconv.ts'
import { toRefKey, toSpanKey, type SpanRef } from '../../links/span-ref.ts'
import { findSendSizes } from '../../messaging/batch-sizes.ts'
import { findKnownRecords, type Sender, type TakenRecord } from '../../messaging/missed-records.ts'
import { UNKNOWN_RECORD } from '../../messaging/record-metadata.ts'
import { findMessagingSpans } from '../messaging-spans/find-messaging-spans.ts'
import type { MessagingSpan } from '../messaging-spans/messaging-span.ts'
import type { Delivery } from './delivery.ts'
import { findDeliveries } from './find-deliveries.ts'
import { findMessageLinks } from './message-links.ts'
import { findOuterSends } from './nested-sends.ts'

type SenderSpan = Sender & { readonly end: MessagingSpan }

/**
 * Finds which records of these producers were consumed, and by whom. Omits producers whose message
 * another span sends.
 */
export async function findSenders(
  store: Store,
  producers: readonly MessagingSpan[],
  options: QueryOptions,
): Promise<SenderSpan[]> {
  const [deliveries, creationLinks] = await Promise.all([
    findDeliveries(store, producers, options),
    findMessageLinks(store, producers, 'out', options),
  ])
  const contextsOf = Map.groupBy(creationLinks, ({ consumedRef }) => toSpanKey(consumedRef))
  const ofContexts = await findContextDeliveries(store, creationLinks, options)
  const found = Map.groupBy([...deliveries, ...ofContexts], ({ producerRef }) => toRefKey(producerRef))
  const toTakenRecords = (context: SpanRef, batches: ReadonlySet<string>): TakenRecord[] =>
    (found.get(toRefKey(context)) ?? []).map((delivery) => toTaken(delivery, batches))
  const untaken = producers.filter((end) => !found.has(toRefKey(end)))
  const outer = await findOuterSends(store, untaken, options)
  const sending = producers.filter((end) => !outer.has(toSpanKey(end)))
  const senders = sending.map((end) => {
    const own = { ...end, key: '' }
    const taken = toTakenRecords(end, NO_BATCHES)
    return { end, own, taken, known: findKnownRecords(own, taken) }
  })
  // The position of a consumer that took several messages is that of one of them.
  const doubtful = senders
    .filter(({ known }) => known.length > 1)
    .flatMap(({ end }) => found.get(toRefKey(end)) ?? [])
    .flatMap(({ linked, consumed }) => (consumed !== undefined && linked.offset === '' ? [consumed] : []))
  const [batches, sizes] = await Promise.all([
    findBatchSpans(store, doubtful, options),
    findSendSizes(
      store,
      senders.filter(({ known }) => known.length > 0).map(({ end }) => end),
      options,
    ),
  ])
  return senders.map(({ end, own, taken, known }) => {
    const contexts = contextsOf.get(toSpanKey(end)) ?? []
    return {
      end,
      own,
      taken: known.length > 1 ? toTakenRecords(end, batches) : taken,
      // A message may carry the context that it was created from, as with an outbox.
      forwarded: contexts.flatMap(({ producerRef }) => toTakenRecords(producerRef, NO_BATCHES)),
      // A send that links to creation contexts counts their messages too.
      count: contexts.length === 0 ? (sizes.get(toSpanKey(end)) ?? 0) : 0,
    }
  })
}

const NO_BATCHES: ReadonlySet<string> = new Set()

/** Finds the consumers of the contexts that sends link to. A consuming span is no such context. */
async function findContextDeliveries(
  store: Store,
  links: readonly TimedLink[],
  options: QueryOptions,
): Promise<Delivery[]> {
  const refs = new Map(
    links.map(({ producerRef, consumedAt }) => [toRefKey(producerRef), { ...producerRef, before: consumedAt }]),
  )
  const contexts = await findMessagingSpans(store, [...refs.values()], options)
  const producing = [...refs].flatMap(([key, ref]): MessagingSpan[] => {
    const sharers = contexts.get(key)
    if (sharers === undefined) return [toUnstoredSpan(ref)]
    return sharers.filter(({ operation }) => producingOperations.has(operation)).slice(0, 1)
  })
  return await findDeliveries(store, producing, options)
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

type TimedLink = Awaited<ReturnType<typeof findMessageLinks>>[number]

/** Finds which of these spans carry several links, by `toSpanKey`. */
async function findBatchSpans(
  store: Store,
  ends: readonly MessagingSpan[],
  options: QueryOptions,
): Promise<ReadonlySet<string>> {
  const links = await findMessageLinks(store, ends, 'out', options)
  const linking = Map.groupBy(links, ({ consumedRef }) => toSpanKey(consumedRef))
  return new Set([...linking].filter(([, all]) => all.length > 1).map(([key]) => key))
}

/** The producer's position is left out: it describes one of its records. */
function toTaken({ linked, consumed, cluster, key }: Delivery, batches: ReadonlySet<string>): TakenRecord {
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
