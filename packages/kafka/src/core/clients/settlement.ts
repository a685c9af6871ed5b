import type { Settlement } from '../telemetry.ts'

/** Describes the commit of a list of partitions, or of one; skips what is no partition. */
export function createSettlement(
  operationName: string,
  offsets: unknown,
  { clientId, groupId }: Pick<Settlement, 'clientId' | 'groupId'>,
): Settlement {
  const partitions = listPartitions(offsets)
  const partition = partitions.length === 1 ? partitions[0]?.partition : undefined
  return { operationName, topic: getCommonTopic(offsets), partition, groupId, clientId }
}

/** Returns the topic that all partitions of a commit have, undefined if there is none. */
export function getCommonTopic(offsets: unknown): string | undefined {
  const [first, ...others] = listPartitions(offsets)
  return others.every(({ topic }) => topic === first?.topic) ? first?.topic : undefined
}

/** Lists the partitions of `{ topics: [{ topic, partitions: [{ partition }] }] }`. */
export function flattenOffsets(offsets: unknown): readonly Partial<TopicPartition>[] {
  const { topics } = (offsets ?? {}) as { readonly topics?: unknown }
  if (!Array.isArray(topics)) return []
  return topics.flatMap((entry: { readonly topic?: string; readonly partitions?: unknown } | null) => {
    const { topic, partitions } = entry ?? {}
    const list: readonly Partial<TopicPartition>[] = Array.isArray(partitions) ? partitions : []
    return list.map((one) => ({ topic, partition: one?.partition }))
  })
}

interface TopicPartition {
  readonly topic: string
  readonly partition: number | undefined
}

function listPartitions(offsets: unknown): readonly TopicPartition[] {
  return (Array.isArray(offsets) ? offsets : [offsets]).flatMap((value: unknown) => {
    if (typeof value !== 'object' || value === null) return []
    const { topic, partition } = value as { readonly topic?: unknown; readonly partition?: unknown }
    if (typeof topic !== 'string') return []
    if (partition === undefined || typeof partition === 'number') return [{ topic, partition }]
    // kafkajs takes text too, and `uncommittedOffsets()` returns it.
    return typeof partition === 'string' ? [{ topic, partition: Number(partition) }] : []
  })
}
