import type { KafkaJS } from '@confluentinc/kafka-javascript'
import type { RecordPlace } from '../core/send.ts'

type RecordMetadata = KafkaJS.RecordMetadata

/**
 * What one `send` of all messages would have answered: a topic's partitions in the order they were
 * met, each with its least offset.
 */
export function mergeRecords(results: readonly (readonly RecordMetadata[])[]): RecordMetadata[] {
  const partitions = new Map<number, RecordMetadata>()
  for (const record of results.flat()) {
    const known = partitions.get(record.partition)
    if (known === undefined || isBefore(record, known)) partitions.set(record.partition, record)
  }
  return [...partitions.values()]
}

/** Where each message went, of one answer for each. */
export function placesOfMessages(results: readonly (readonly RecordMetadata[])[]): (RecordPlace | undefined)[] {
  return results.map(([record]) => record && { partition: record.partition, offset: record.baseOffset })
}

/**
 * Where `count` messages of one answer went. Their partition is known when it is one; an offset
 * only when the message is one: records of other sends may lie between those of several.
 */
export function sharedPlace(metadata: readonly RecordMetadata[], count: number): RecordPlace[] | undefined {
  const [record] = metadata
  if (record === undefined || metadata.length > 1) return undefined
  const { partition, baseOffset } = record
  return count === 1 ? [{ partition, offset: baseOffset }] : Array.from({ length: count }, () => ({ partition }))
}

export function partitionsOf(metadata: readonly RecordMetadata[]): readonly number[] {
  return metadata.map(({ partition }) => partition)
}

// A record without an offset (`acks: 0`) makes that of its partition unknown.
function isBefore(record: RecordMetadata, known: RecordMetadata): boolean {
  if (record.baseOffset === undefined || record.baseOffset === null) return true
  if (known.baseOffset === undefined || known.baseOffset === null) return false
  return BigInt(record.baseOffset) < BigInt(known.baseOffset)
}
