import type { RecordMetadata } from '@spanlink/api-schema'
import { type MessagingField, messagingNames } from '../../clickhouse/insert/messaging/semconv.ts'

const RECORD_FIELDS: readonly (keyof RecordMetadata)[] = ['cluster', 'topic', 'partition', 'offset', 'key']

export const UNKNOWN_RECORD: RecordMetadata = { cluster: '', topic: '', partition: '', offset: '', key: '' }

/**
 * Reads record metadata from attributes of a span or link, under every name of the conventions.
 *
 * @param cluster if the attributes name none: the span's column, which may have its resource's
 */
export function resolveRecord(attributes: Attributes, cluster = ''): RecordMetadata {
  if (attributes.length === 0) return UNKNOWN_RECORD
  const record = { ...UNKNOWN_RECORD }
  for (const field of RECORD_FIELDS) record[field] = resolveField(attributes, field)
  return record.cluster === '' ? { ...record, cluster } : record
}

type Attributes = readonly (readonly [key: string, text: string])[]

/** Reads the consumer group from attributes, under every name of the conventions. */
export function resolveGroup(attributes: Attributes): string {
  return resolveField(attributes, 'group')
}

function resolveField(attributes: Attributes, field: MessagingField): string {
  for (const name of messagingNames[field]) {
    // For a repeated key the first value counts, as in the stored columns.
    const text = attributes.find(([key]) => key === name)?.[1] ?? ''
    if (text !== '') return text
  }
  return ''
}

/** Merges the record of a link: each field from the first source that has it. */
export function mergeRecords(sources: readonly (RecordMetadata | undefined)[]): RecordMetadata {
  const merged = { ...UNKNOWN_RECORD }
  for (const source of sources) {
    // A source that contradicts what is known describes another record: a send to a retry topic.
    if (source === undefined || !isSameRecord(source, merged)) continue
    if (merged.cluster === '') merged.cluster = source.cluster
    if (merged.topic === '') merged.topic = source.topic
    if (merged.partition === '') merged.partition = source.partition
    if (merged.offset === '') merged.offset = source.offset
    if (merged.key === '') merged.key = source.key
  }
  return merged
}

type Position = Pick<RecordMetadata, 'topic' | 'partition' | 'offset'>

/** Whether two spans or links may be about one message: the fields that both have are equal. */
export function isSameMessage(a: Position, b: Position): boolean {
  return (
    isSameOrUnknown(a.topic, b.topic) &&
    isSameOrUnknown(a.partition, b.partition) &&
    isSameOrUnknown(a.offset, b.offset)
  )
}

export function isSameOrUnknown(a: string, b: string): boolean {
  return a === '' || b === '' || a === b
}

/** Whether the fields that both have are equal; any key. */
export function isSameRecord(a: RecordMetadata, b: RecordMetadata): boolean {
  return isSameMessage(a, b) && isSameOrUnknown(a.cluster, b.cluster)
}

export function isUnknownRecord(record: RecordMetadata): boolean {
  return RECORD_FIELDS.every((field) => record[field] === '')
}

/** Whether the record's position is complete; spans can then add only its key. */
export function isLocated({ topic, partition, offset }: RecordMetadata): boolean {
  return topic !== '' && partition !== '' && offset !== ''
}
