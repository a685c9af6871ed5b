import type { RecordMetadata } from '@spanlink/api-schema'
import type { QueryOptions, Store } from '../../../clickhouse/store.ts'
import { toRefKey, toSpanKey } from '../../links/span-ref.ts'
import { findSendSizes } from '../../messaging/batch-sizes.ts'
import { findKnownRecords, type Sender, type TakenRecord } from '../../messaging/missed-records.ts'
import type { MessagingSpan } from '../messaging-spans/messaging-span.ts'
import type { Delivery } from './delivery.ts'
import { findDeliveries } from './find-deliveries.ts'
import { findMessageLinks } from './message-links.ts'

type SenderSpan = Sender & { readonly end: MessagingSpan }

/** Finds which records of these producers were consumed, and by whom. */
export async function findSenders(
  store: Store,
  producers: readonly MessagingSpan[],
  options: QueryOptions,
): Promise<SenderSpan[]> {
  const found = Map.groupBy(await findDeliveries(store, producers, options), ({ producerRef }) => toRefKey(producerRef))
  const toTakenRecords = (end: MessagingSpan, batches: ReadonlySet<string>): TakenRecord[] =>
    (found.get(toRefKey(end)) ?? []).map((delivery) => toTaken(delivery, batches))
  const senders = producers.map((end) => {
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
    findLinkingSpans(store, doubtful, 2, options),
    findSendSizes(
      store,
      senders.filter(({ known }) => known.length > 0).map(({ end }) => end),
      options,
    ),
  ])
  // A send that links to creation contexts counts their messages too.
  const counted = senders.filter(({ end, known }) => (sizes.get(toSpanKey(end)) ?? 0) > known.length)
  const forwarding = await findLinkingSpans(
    store,
    counted.map(({ end }) => end),
    1,
    options,
  )
  return senders.map(({ end, own, taken, known }) => {
    const isCounted = !forwarding.has(toSpanKey(end))
    return {
      end,
      own,
      taken: known.length > 1 ? toTakenRecords(end, batches) : taken,
      count: isCounted ? (sizes.get(toSpanKey(end)) ?? 0) : 0,
    }
  })
}

const NO_BATCHES: ReadonlySet<string> = new Set()

/** Finds which of these spans carry at least so many links, by `toSpanKey`. */
async function findLinkingSpans(
  store: Store,
  ends: readonly MessagingSpan[],
  atLeast: number,
  options: QueryOptions,
): Promise<ReadonlySet<string>> {
  const links = await findMessageLinks(store, ends, 'out', options)
  const linking = Map.groupBy(links, ({ consumedRef }) => toSpanKey(consumedRef))
  return new Set([...linking].filter(([, all]) => all.length >= atLeast).map(([key]) => key))
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
