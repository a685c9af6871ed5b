import type { RecordMetadata } from '@spanlink/api-schema'
import { type KnownConsumer, type KnownGroup, mayConsumeFor } from './known-groups.ts'
import { isLocated, isSameOrUnknown, isSameRecord } from './record-metadata.ts'

/** A record as its consumer's link or span describes it; unknown fields are ''. */
export type ConsumedRecord = { readonly record: RecordMetadata; readonly consumer: KnownConsumer }

/** A producer span; several records may carry its context. */
export type Sender = {
  /** The one record that the span describes. Fields may be ''. */
  readonly own: RecordMetadata
  /** Number of records that carry the context. 0 if unknown. */
  readonly count: number
  readonly consumed: readonly ConsumedRecord[]
  /** Records that carry the context of a creation span instead, as with an outbox. */
  readonly forwarded?: readonly ConsumedRecord[]
}

export type MissedRecord = { readonly record: RecordMetadata; readonly group: string }

/**
 * Finds records that a group of their topic has not consumed, once per group (ADR 29). Records are
 * known from the producer and from the consumers of any group. A consumer without an offset counts
 * for each record of its topic.
 */
export function findMissedRecords(
  { own, count, consumed, forwarded = [] }: Sender,
  readersOf: (topic: string, cluster: string) => readonly KnownGroup[],
): MissedRecord[] {
  const known = findKnownRecords(own, consumed)
  const byOffset = Map.groupBy(removeEqual([...consumed, ...forwarded]), ({ record }) => record.offset)
  const findConsumers = (missed: RecordMetadata): readonly ConsumedRecord[] => {
    if (isLocated(missed)) {
      const same = (byOffset.get(missed.offset) ?? []).filter(({ record }) => isSameRecord(record, missed))
      const any = (byOffset.get('') ?? []).filter(({ record }) => isSameOrUnknown(record.topic, missed.topic))
      return [...same, ...any]
    }
    return [...byOffset.values()]
      .flat()
      .filter(({ record }) => isSameOrUnknown(record.topic, missed.topic) && (known.length === 0 || !hasOffset(record)))
  }
  return [...known, ...selectUnlocated(own, known, count)].flatMap((record) => {
    const readers = readersOf(record.topic, record.cluster)
    const consumers = readers.length === 0 ? [] : findConsumers(record)
    return readers
      .filter((group) => !consumers.some(({ consumer }) => mayConsumeFor(group, consumer, readers)))
      .map(({ group }) => ({ record, group }))
  })
}

/** Distinct records with topic, partition and offset. Equal positions on two clusters are two. */
export function findKnownRecords(own: RecordMetadata, consumed: readonly ConsumedRecord[]): RecordMetadata[] {
  const located = isLocated(own) ? [own] : []
  for (const { record } of consumed) {
    if (!hasOffset(record)) continue
    const withTopic = record.topic === '' ? { ...record, topic: own.topic } : record
    if (isLocated(withTopic)) located.push(withTopic)
  }
  if (located.length === 0) return located
  const positions = Map.groupBy(located, ({ topic, partition, offset }) => JSON.stringify([topic, partition, offset]))
  return [...positions.values()].flatMap((same) => {
    const named = same.filter(({ cluster }) => cluster !== '')
    if (named.length === 0) return [{ ...pickWithKey(same), cluster: own.cluster }]
    return [...Map.groupBy(named, ({ cluster }) => cluster).values()].map(pickWithKey)
  })
}

function pickWithKey(same: readonly RecordMetadata[]): RecordMetadata {
  return same.find(({ key }) => key !== '') ?? (same[0] as RecordMetadata)
}

/** A record that is sent but has no known position: at most one, as several would look the same. */
function selectUnlocated(own: RecordMetadata, known: readonly RecordMetadata[], count: number): RecordMetadata[] {
  if (known.length === 0) return [own]
  // The count of a send to several topics is not per topic.
  const hasMore = count > known.length && known.every(({ topic }) => topic === own.topic)
  return hasMore ? [{ ...own, partition: '', offset: '', key: '' }] : []
}

function hasOffset({ partition, offset }: RecordMetadata): boolean {
  return partition !== '' && offset !== ''
}

/** Thousands of consumers without an offset may be a few services. */
function removeEqual(records: readonly ConsumedRecord[]): readonly ConsumedRecord[] {
  if (records.length < 2) return records
  const toKey = ({ record, consumer }: ConsumedRecord): string =>
    JSON.stringify([record.cluster, record.topic, record.partition, record.offset, consumer.group, consumer.service])
  return [...new Map(records.map((one) => [toKey(one), one])).values()]
}
