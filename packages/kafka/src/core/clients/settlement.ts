import type { Settlement } from '../telemetry.ts'

/** Describes the commit of a list of partitions, or of one; skips what is no partition. */
export function createSettlement(
  operationName: string,
  offsets: unknown,
  { clientId, groupId }: Pick<Settlement, 'clientId' | 'groupId'>,
): Settlement {
  const partitions = (Array.isArray(offsets) ? offsets : [offsets]).filter(isTopicPartition)
  const partition = partitions.length === 1 ? partitions[0]?.partition : undefined
  return { operationName, topic: getCommonTopic(partitions), partition, groupId, clientId }
}

/** Returns the topic that all of `items` have, undefined if there is none. */
function getCommonTopic(items: readonly ({ readonly topic?: string } | undefined)[]): string | undefined {
  const topic = items[0]?.topic
  return items.every((item) => item?.topic === topic) ? topic : undefined
}

function isTopicPartition(value: unknown): value is { readonly topic: string; readonly partition: number | undefined } {
  if (typeof value !== 'object' || value === null) return false
  const { topic, partition } = value as { readonly topic?: unknown; readonly partition?: unknown }
  return typeof topic === 'string' && (partition === undefined || typeof partition === 'number')
}
