import type { ProducerConfig, RecordMetadata as KafkaJSMetadata } from 'kafkajs'
import type { RecordMetadata } from '../core/telemetry.ts'
import { overrideProperties } from '../core/clients/override.ts'

/** Tells which partition kafkajs chose for a message. */
export interface PartitionWatcher {
  /** The producer's configuration, with its partitioner watched. */
  readonly config: ProducerConfig | undefined
  /** Whether there is a partitioner to be watched; nothing is ever known otherwise. */
  readonly isSupported: boolean
  /**
   * Begins to watch a message; the copy that is sent, as a message object may be sent again at any
   * time.
   */
  watch(message: object): void
  /**
   * The partition, if a watched partitioner chose it, and always the same one when it was asked
   * again for a retry.
   */
  getPartition(message: object): number | undefined
  /** How often kafkajs asked again for a watched message, which is once for every retry. */
  getRetryCount(message: object): number
}

/**
 * kafkajs answers a send with one base offset per partition, and tells nobody which message went
 * where, except the partitioner: it is asked once per message, and a partition keeps the order of
 * its messages. Only a partitioner that the application configures can be watched, kafkajs's
 * default is out of reach without importing kafkajs.
 */
export function createPartitionWatcher(config: ProducerConfig | undefined): PartitionWatcher {
  const chosen = new WeakMap<object, { partition: number | undefined; asked: number }>()
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
            choice.partition = choice.asked === 0 || choice.partition === partition ? partition : UNCERTAIN
            choice.asked += 1
          }
          return partition
        }
      },
    }),
    watch: (message) => void chosen.set(message, { partition: undefined, asked: 0 }),
    getPartition(message) {
      const partition = chosen.get(message)?.partition
      return partition === UNCERTAIN ? undefined : partition
    },
    getRetryCount: (message) => Math.max(0, (chosen.get(message)?.asked ?? 0) - 1),
  }
}

const UNCERTAIN = -1

/** The messages of one topic in a send, as they were handed to kafkajs. */
export interface SentMessages {
  readonly topic: string
  readonly messages: readonly object[]
}

/**
 * The places of all messages of a send, in order. A message's partition is known if its topic's
 * messages went to one partition only, or if its partitioner was watched; its offset if all
 * messages of the topic have a known partition.
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
    let places = topics.get(topic)
    if (places === undefined) topics.set(topic, (places = readTopicOffsets(topic, metadata)))
    places.isCertain &&= messages.every((message) => findPartition(places, message, watched) !== undefined)
  }
  return sends.map(({ topic, messages }) => {
    const places = topics.get(topic)!
    return messages.map((message) => takeNextOffset(places, findPartition(places, message, watched)))
  })
}

/** The place of a message that was sent alone, as most are: there is nothing to count on from. */
export function resolveSingleMetadata(topic: string, metadata: readonly KafkaJSMetadata[]): RecordMetadata | undefined {
  if (metadata.length !== 1) return undefined
  const { partition, baseOffset, offset, topicName } = metadata[0]!
  if (topicName !== topic) return undefined
  // What has no offset (`acks: 0`), or had one that the broker no longer knows, is answered by -1.
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

function takeNextOffset(places: TopicOffsets, partition: number | undefined): RecordMetadata {
  const offset = partition === undefined ? undefined : places.next.get(partition)
  // The broker answers -1 for a duplicate of an idempotent producer whose offset it no longer
  // knows.
  if (!places.isCertain || partition === undefined || offset === undefined || offset < 0n) return { partition }
  places.next.set(partition, offset + 1n)
  return { partition, offset }
}
