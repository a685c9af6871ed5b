import type { RecordMetadata } from '@spanlink/api-schema'
import { quote } from './quote.ts'

/** `topic "orders" partition 3 offset 17 key "order-1"`, without unknown fields. */
export function formatRecord({ topic, partition, offset, key, cluster }: Partial<RecordMetadata>): string {
  return [
    topic && `topic ${quote(topic)}`,
    partition && `partition ${formatNumber(partition)}`,
    offset && `offset ${formatNumber(offset)}`,
    key && `key ${quote(key)}`,
    cluster && `cluster ${quote(cluster)}`,
  ]
    .filter(Boolean)
    .join(' ')
}

/** `trace 4bf9… span 00f0…`: ids in full, for the next call. */
export function formatSpanIds(traceId: string, spanId: string): string {
  return `trace ${traceId}` + (spanId === '' ? '' : ` span ${spanId}`)
}

/** Partitions and offsets are strings as sent. */
function formatNumber(text: string): string {
  return /^-?[0-9]{1,20}$/.test(text) ? text : quote(text, 40)
}
