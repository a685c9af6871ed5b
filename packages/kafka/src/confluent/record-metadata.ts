import type { KafkaJS } from '@confluentinc/kafka-javascript'
import type { RecordMetadata } from '../core/telemetry.ts'

type ConfluentMetadata = KafkaJS.RecordMetadata

/**
 * What one `send` of all messages would have answered: a topic's partitions in the order they were
 * met, each with its least offset.
 */
export function mergeMetadata(results: readonly (readonly ConfluentMetadata[])[]): ConfluentMetadata[] {
  const partitions = new Map<number, ConfluentMetadata>()
  for (const record of results.flat()) {
    const known = partitions.get(record.partition)
    if (known === undefined || isBefore(record, known)) partitions.set(record.partition, record)
  }
  return [...partitions.values()]
}

/** Where each message went, of one answer for each. */
export function toRecordMetadata(results: readonly (readonly ConfluentMetadata[])[]): (RecordMetadata | undefined)[] {
  return results.map(([record]) => record && { partition: record.partition, offset: record.baseOffset })
}

/**
 * Where `count` messages of one answer went. Their partition is known when it is one; an offset
 * only when the message is one: records of other sends may lie between those of several.
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

// A record without an offset (`acks: 0`) makes that of its partition unknown.
function isBefore(record: ConfluentMetadata, known: ConfluentMetadata): boolean {
  if (record.baseOffset === undefined || record.baseOffset === null) return true
  if (known.baseOffset === undefined || known.baseOffset === null) return false
  return BigInt(record.baseOffset) < BigInt(known.baseOffset)
}
