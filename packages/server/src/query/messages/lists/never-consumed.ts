import { toRefKey, toSpanKey, type SpanRef } from '../../links/span-ref.ts'
import { findSendSizes } from '../../records/batch-sizes.ts'
import type { KnownGroup } from '../../records/known-groups.ts'
import { messagingValue } from '../../records/messaging-sql.ts'
import { isLocated, UNKNOWN_RECORD } from '../../records/record-metadata.ts'
import { findMissedRecords, type MissedRecord, type ConsumedRecord } from '../../records/missed-records.ts'
import { BY_IDS_SETTINGS, createRefSets } from '../../sql/id-parameters.ts'
import { findSenders } from '../deliveries/senders.ts'
import type { StoreAccess } from '../messaging-spans/find-messaging-spans.ts'
import type { MessagingSpan } from '../messaging-spans/messaging-span.ts'

export type Missing = MissedRecord & { readonly producer: MessagingSpan }

/** Finds records of these producers that no consumer took, with group ''. */
export async function findNeverConsumed(
  access: StoreAccess,
  sent: readonly MessagingSpan[],
  linked: ReadonlyMap<string, LinkedRecords>,
): Promise<Missing[]> {
  const sizes = await findSendSizes(access.store, sent, access.options)
  // For most producers the links are enough, and their consumers are not read.
  const doubtful = sent.filter((producer) => {
    const positions = linked.get(toRefKey(producer))?.positions
    if (positions === undefined) return true
    const isOwnConsumed = producer.partition === '' || producer.offset === '' || positions.has(toOffsetKey(producer))
    return !isOwnConsumed || (sizes.get(toSpanKey(producer)) ?? 0) > positions.size
  })
  const senders = await findSenders(access, doubtful)
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
  { store, options }: StoreAccess,
  sent: readonly MessagingSpan[],
): Promise<ReadonlyMap<string, LinkedRecords>> {
  if (sent.length === 0) return new Map()
  const sets = createRefSets(sent)
  const rows = await store.query<LinkedRow>(
    `select lower(hex(trace_id)) as traceId, lower(hex(span_id)) as spanId, groupUniqArray(${messagingValue('topic')}) as topics,
      groupUniqArray((${messagingValue('partition')}, ${messagingValue('offset')})) as positions
    from span_links
    where trace_id in (${sets.traceIds}) and direction = 'in' and kind = 'consumer' and (trace_id, span_id) in (${sets.spans})
    group by trace_id, span_id
    ${BY_IDS_SETTINGS}`,
    sets.params,
    options,
  )
  return new Map(
    rows.map(({ topics, positions, ...ref }) => {
      const found = positions.map(([partition, offset]) => toOffsetKey({ partition, offset }))
      return [toRefKey(ref), { topics, positions: new Set(found) }]
    }),
  )
}

type LinkedRow = SpanRef & {
  readonly topics: readonly string[]
  readonly positions: readonly (readonly [partition: string, offset: string])[]
}
