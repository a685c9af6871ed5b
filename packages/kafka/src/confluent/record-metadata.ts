import type { KafkaJS } from '@confluentinc/kafka-javascript'
import type { RecordMetadata } from '../core/telemetry.ts'

type ConfluentMetadata = KafkaJS.RecordMetadata

/**
 * Merges the results of single sends into the result of one `send` of all messages: the partitions
 * of a topic in order of first use, each with its lowest offset.
 */
export function mergeMetadata(results: readonly (readonly ConfluentMetadata[])[]): ConfluentMetadata[] {
  const partitions = new Map<number, ConfluentMetadata>()
  for (const record of results.flat()) {
    const known = partitions.get(record.partition)
    if (known === undefined || isBefore(record, known)) partitions.set(record.partition, record)
  }
  return [...partitions.values()]
}

/** Reads the record of each message, when each was sent by its own call. */
export function toRecordMetadata(results: readonly (readonly ConfluentMetadata[])[]): (RecordMetadata | undefined)[] {
  return results.map(([record]) => record && { partition: record.partition, offset: record.baseOffset })
}

/**
 * Reads the records of `count` messages of one result. The partition is known if there is only one;
 * the offset only for a single message, as other sends may write in between.
 */
export function resolveSharedMetadata(
  metadata: readonly ConfluentMetadata[],
  count: number,
): RecordMetadata[] | undefined {
  const [record] = metadata
  if (record === undefined || metadata.length > 1) return undefined
  const { partition, baseOffset } = record
  return count === 1 ? [{ partition, offset: baseOffset }] : Array.from({ length: count }, () => ({ partition }))
}

export function listPartitions(metadata: readonly ConfluentMetadata[]): readonly number[] {
  return metadata.map(({ partition }) => partition)
}

// Without an offset (`acks: 0`) that of the whole partition is unknown.
function isBefore(record: ConfluentMetadata, known: ConfluentMetadata): boolean {
  if (record.baseOffset === undefined || record.baseOffset === null) return true
  if (known.baseOffset === undefined || known.baseOffset === null) return false
  return BigInt(record.baseOffset) < BigInt(known.baseOffset)
}
