import type { ProducerConfig, RecordMetadata as KafkaJSMetadata } from 'kafkajs'
import type { RecordMetadata } from '../core/telemetry.ts'
import { overrideProperties } from '../core/clients/override.ts'

/** Observes which partition kafkajs chooses for a message. */
export interface PartitionWatcher {
  /** The producer's configuration, with its partitioner watched. */
  readonly config: ProducerConfig | undefined
  /** Whether the application configured a partitioner; without one nothing is observed. */
  readonly isSupported: boolean
  /** Starts to observe a message: the copy that is sent, as messages may be sent again. */
  watch(message: object): void
  /** Returns the chosen partition, if all retries chose the same. */
  getPartition(message: object): number | undefined
  /** Returns how often the partitioner was called again: once per retry. */
  getRetryCount(message: object): number
}

/**
 * Observes the application's partitioner: kafkajs reports one base offset per partition and not
 * which message went where, but messages keep their order in a partition. kafkajs's default
 * partitioner is out of reach without importing kafkajs.
 */
export function createPartitionWatcher(config: ProducerConfig | undefined): PartitionWatcher {
  const chosen = new WeakMap<object, { partition: number | undefined; callCount: number }>()
  const createPartitioner = config?.createPartitioner
  if (config === undefined || typeof createPartitioner !== 'function') {
    return { config, isSupported: false, watch() {}, getPartition: () => undefined, getRetryCount: () => 0 }
  }
  return {
    isSupported: true,
    config: overrideProperties(config, {
      createPartitioner: () => {
        const partitioner = createPartitioner()
        return (args) => {
          const partition = partitioner(args)
          const choice = chosen.get(args.message)
          if (choice !== undefined) {
            choice.partition = choice.callCount === 0 || choice.partition === partition ? partition : UNCERTAIN
            choice.callCount += 1
          }
          return partition
        }
      },
    }),
    watch: (message) => void chosen.set(message, { partition: undefined, callCount: 0 }),
    getPartition(message) {
      const partition = chosen.get(message)?.partition
      return partition === UNCERTAIN ? undefined : partition
    },
    getRetryCount: (message) => Math.max(0, (chosen.get(message)?.callCount ?? 0) - 1),
  }
}

const UNCERTAIN = -1

/** The messages of one topic in a send, as they were handed to kafkajs. */
export interface SentMessages {
  readonly topic: string
  readonly messages: readonly object[]
}

/**
 * Resolves the records of all messages of a send, in order. The partition is known if the topic
 * used one only or its partitioner was observed; the offset if all partitions are known.
 */
export function resolveBatchMetadata(
  sends: readonly SentMessages[],
  metadata: readonly KafkaJSMetadata[],
  watched: PartitionWatcher,
): RecordMetadata[][] {
  const [send] = sends
  const only =
    sends.length === 1 && send!.messages.length === 1 ? resolveSingleMetadata(send!.topic, metadata) : undefined
  if (only !== undefined) return [[only]]
  const topics = new Map<string, TopicOffsets>()
  for (const { topic, messages } of sends) {
    let offsets = topics.get(topic)
    if (offsets === undefined) topics.set(topic, (offsets = readTopicOffsets(topic, metadata)))
    offsets.isCertain &&= messages.every((message) => findPartition(offsets, message, watched) !== undefined)
  }
  return sends.map(({ topic, messages }) => {
    const offsets = topics.get(topic)!
    return messages.map((message) => takeNextOffset(offsets, findPartition(offsets, message, watched)))
  })
}

/** Resolves the record of a message that was sent alone, as most are. */
export function resolveSingleMetadata(topic: string, metadata: readonly KafkaJSMetadata[]): RecordMetadata | undefined {
  if (metadata.length !== 1) return undefined
  const { partition, baseOffset, offset, topicName } = metadata[0]!
  if (topicName !== topic) return undefined
  // -1: no offset (`acks: 0`), or one that the broker no longer knows.
  const known = baseOffset ?? offset
  return known === undefined || known.startsWith('-') ? { partition } : { partition, offset: known }
}

interface TopicOffsets {
  /** The next offset by partition. */
  readonly next: Map<number, bigint>
  isCertain: boolean
}

function readTopicOffsets(topic: string, metadata: readonly KafkaJSMetadata[]): TopicOffsets {
  const next = new Map<number, bigint>()
  for (const { topicName, partition, baseOffset, offset } of metadata) {
    if (topicName === topic) next.set(partition, BigInt(baseOffset ?? offset ?? -1))
  }
  return { next, isCertain: true }
}

function findPartition({ next }: TopicOffsets, message: object, watched: PartitionWatcher): number | undefined {
  if (next.size === 1) return next.keys().next().value
  const partition = watched.getPartition(message)
  return partition !== undefined && next.has(partition) ? partition : undefined
}

function takeNextOffset(offsets: TopicOffsets, partition: number | undefined): RecordMetadata {
  const offset = partition === undefined ? undefined : offsets.next.get(partition)
  // The broker returns -1 for a duplicate whose offset it no longer knows.
  if (!offsets.isCertain || partition === undefined || offset === undefined || offset < 0n) return { partition }
  offsets.next.set(partition, offset + 1n)
  return { partition, offset }
}
