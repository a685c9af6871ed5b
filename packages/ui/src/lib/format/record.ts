import type { RecordMetadata } from '@spanlink/api-schema'

/** `orders · partition 3 · offset 1042`, without unknown parts. */
export function formatRecord({ topic, partition, offset }: Omit<RecordMetadata, 'cluster' | 'key'>): string {
  return [topic, partition && `partition ${partition}`, offset && `offset ${offset}`].filter(Boolean).join(' · ')
}

/** `orders/3/1042`, as Kafka's own tools take it; empty unless all three are known. */
export function formatRecordPath({ topic, partition, offset }: Omit<RecordMetadata, 'cluster' | 'key'>): string {
  return topic === '' || partition === '' || offset === '' ? '' : `${topic}/${partition}/${offset}`
}

/** A cluster name is only shown if there are several clusters. */
export function hasSeveralClusters(records: readonly Pick<RecordMetadata, 'cluster'>[]): boolean {
  return new Set(records.flatMap(({ cluster }) => (cluster === '' ? [] : [cluster]))).size > 1
}
