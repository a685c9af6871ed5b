import type { ProducerConfig, RecordMetadata } from 'kafkajs'
import type { RecordPlace } from '../core/send.ts'
import { overriding } from '../core/clients/override.ts'

/** Tells which partition kafkajs chose for a message. */
export interface WatchedPartitions {
  /** The producer's configuration, with its partitioner watched. */
  readonly config: ProducerConfig | undefined
  /** Whether there is a partitioner to be watched; nothing is ever known otherwise. */
  readonly isPossible: boolean
  /**
   * Begins to watch a message; the copy that is sent, as a message object may be sent again at any
   * time.
   */
  watch(message: object): void
  /**
   * The partition, if a watched partitioner chose it, and always the same one when it was asked
   * again for a retry.
   */
  partitionOf(message: object): number | undefined
  /** How often kafkajs asked again for a watched message, which is once for every retry. */
  retriesOf(message: object): number
}

/**
 * kafkajs answers a send with one base offset per partition, and tells nobody which message went
 * where, except the partitioner: it is asked once per message, and a partition keeps the order of
 * its messages. Only a partitioner that the application configures can be watched, kafkajs's
 * default is out of reach without importing kafkajs.
 */
export function watchPartitions(config: ProducerConfig | undefined): WatchedPartitions {
  const chosen = new WeakMap<object, { partition: number | undefined; asked: number }>()
  const createPartitioner = config?.createPartitioner
  if (config === undefined || typeof createPartitioner !== 'function') {
    return { config, isPossible: false, watch() {}, partitionOf: () => undefined, retriesOf: () => 0 }
  }
  return {
    isPossible: true,
    config: overriding(config, {
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
    partitionOf(message) {
      const partition = chosen.get(message)?.partition
      return partition === UNCERTAIN ? undefined : partition
    },
    retriesOf: (message) => Math.max(0, (chosen.get(message)?.asked ?? 0) - 1),
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
export function recordPlaces(
  sends: readonly SentMessages[],
  metadata: readonly RecordMetadata[],
  watched: WatchedPartitions,
): RecordPlace[][] {
  const [send] = sends
  const only = sends.length === 1 && send!.messages.length === 1 ? onlyPlace(send!.topic, metadata) : undefined
  if (only !== undefined) return [[only]]
  const topics = new Map<string, TopicPlaces>()
  for (const { topic, messages } of sends) {
    let places = topics.get(topic)
    if (places === undefined) topics.set(topic, (places = topicPlaces(topic, metadata)))
    places.isCertain &&= messages.every((message) => partitionIn(places, message, watched) !== undefined)
  }
  return sends.map(({ topic, messages }) => {
    const places = topics.get(topic)!
    return messages.map((message) => place(places, partitionIn(places, message, watched)))
  })
}

/** The place of a message that was sent alone, as most are: there is nothing to count on from. */
export function onlyPlace(topic: string, metadata: readonly RecordMetadata[]): RecordPlace | undefined {
  if (metadata.length !== 1) return undefined
  const { partition, baseOffset, offset, topicName } = metadata[0]!
  if (topicName !== topic) return undefined
  // What has no offset (`acks: 0`), or had one that the broker no longer knows, is answered by -1.
  const known = baseOffset ?? offset
  return known === undefined || known.startsWith('-') ? { partition } : { partition, offset: known }
}

interface TopicPlaces {
  /** The next offset by partition. */
  readonly next: Map<number, bigint>
  isCertain: boolean
}

function topicPlaces(topic: string, metadata: readonly RecordMetadata[]): TopicPlaces {
  const next = new Map<number, bigint>()
  for (const { topicName, partition, baseOffset, offset } of metadata) {
    if (topicName === topic) next.set(partition, BigInt(baseOffset ?? offset ?? -1))
  }
  return { next, isCertain: true }
}

function partitionIn({ next }: TopicPlaces, message: object, watched: WatchedPartitions): number | undefined {
  if (next.size === 1) return next.keys().next().value
  const partition = watched.partitionOf(message)
  return partition !== undefined && next.has(partition) ? partition : undefined
}

function place(places: TopicPlaces, partition: number | undefined): RecordPlace {
  const offset = partition === undefined ? undefined : places.next.get(partition)
  // The broker answers -1 for a duplicate of an idempotent producer whose offset it no longer
  // knows.
  if (!places.isCertain || partition === undefined || offset === undefined || offset < 0n) return { partition }
  places.next.set(partition, offset + 1n)
  return { partition, offset }
}
