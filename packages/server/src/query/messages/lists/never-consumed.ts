import { toRefKey, toSpanKey } from '../../links/span-ref.ts'
import type { KnownGroup } from '../../records/known-groups.ts'
import { isLocated, UNKNOWN_RECORD } from '../../records/record-metadata.ts'
import { findMissedRecords, type MissedRecord, type ConsumedRecord } from '../../records/missed-records.ts'
import { findSendSizes } from '../deliveries/batch-sizes.ts'
import { findSenders } from '../deliveries/senders.ts'
import type { MessagingSpan } from '../messaging-spans/messaging-span.ts'
import type { SpanLookup } from '../messaging-spans/span-lookup.ts'

export type Missing = MissedRecord & { readonly producer: MessagingSpan }

/** Finds records of these producers that no consumer took, with group ''. */
export async function findNeverConsumed(
  lookup: SpanLookup,
  sent: readonly MessagingSpan[],
  linked: ReadonlyMap<string, LinkedRecords>,
): Promise<Missing[]> {
  const sizes = await findSendSizes(lookup, sent)
  // For most producers the links are enough, and their consumers are not read.
  const doubtful = sent.filter((producer) => {
    const positions = linked.get(toRefKey(producer))?.positions
    if (positions === undefined) return true
    const isOwnConsumed = producer.partition === '' || producer.offset === '' || positions.has(toOffsetKey(producer))
    return !isOwnConsumed || (sizes.get(toSpanKey(producer)) ?? 0) > positions.size
  })
  const senders = await findSenders(lookup, doubtful)
  return senders.flatMap(({ producer, ...sender }) => {
    const consumed = sender.consumed.map((one) => toAnonymous(one, producer.cluster))
    const forwarded = sender.forwarded?.map((one) => toAnonymous(one, producer.cluster)) ?? []
    return findMissedRecords({ ...sender, consumed, forwarded }, () => [ANYONE]).map((missed) => ({
      ...missed,
      producer,
    }))
  })
}

const ANYONE: KnownGroup = { topic: '', group: '', isService: false, services: [], clusters: [] }

/**
 * A copy on another cluster is the same message under another offset. Other systems than Kafka name
 * a queue where the producer names an exchange.
 */
function toAnonymous({ record }: ConsumedRecord, cluster: string): ConsumedRecord {
  const isCopy = cluster !== '' && record.cluster !== '' && record.cluster !== cluster
  const isKnown = isLocated(record) && !isCopy
  return { record: isKnown ? record : UNKNOWN_RECORD, consumer: { group: '', service: undefined } }
}

function toOffsetKey({ partition, offset }: Pick<MessagingSpan, 'partition' | 'offset'>): string {
  return `${partition} ${offset}`
}

/** What the links of consumers to a producer name. */
export type LinkedRecords = { readonly topics: readonly string[]; readonly positions: ReadonlySet<string> }

/** Finds links of consumers to these producers by `toRefKey`, without reading the consumers. */
export async function findLinkedRecords(
  lookup: SpanLookup,
  sent: readonly MessagingSpan[],
): Promise<ReadonlyMap<string, LinkedRecords>> {
  const links = (await lookup.linksTo(sent)).filter(({ consumedRef }) => consumedRef.kind === 'consumer')
  const linksOf = Map.groupBy(links, ({ producerRef }) => toRefKey(producerRef))
  return new Map(
    Array.from(linksOf, ([key, all]) => [
      key,
      { topics: [...new Set(all.map(({ topic }) => topic))], positions: new Set(all.map(toOffsetKey)) },
    ]),
  )
}
