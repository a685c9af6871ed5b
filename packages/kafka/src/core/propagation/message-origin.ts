import type { KafkaTelemetry } from '../telemetry.ts'
import type { MessageSource, ReceivedMessage } from '../source.ts'

// Batch handlers get messages that don't say where they come from (kafkajs: no topic, no
// partition), and hand them on to code that knows neither the consumer nor its telemetry.

type Processor = Pick<KafkaTelemetry, 'process'>

export interface MessageOrigin {
  readonly telemetry: Processor
  readonly source: MessageSource
}

/** Remembers that `message` was delivered from `source`, for as long as someone holds it. */
export function setMessageOrigin(message: object, telemetry: Processor, source: MessageSource): void {
  telemetries.set(source, telemetry)
  sources.set(getOriginKey(message), source)
}

export function setMessageOrigins(messages: readonly object[], telemetry: Processor, source: MessageSource): void {
  telemetries.set(source, telemetry)
  let last: object | undefined
  for (const message of messages) {
    const mark = getOriginKey(message)
    if (mark !== last) sources.set(mark, source)
    last = mark
  }
}

export function getMessageOrigin(message: object): MessageOrigin | undefined {
  const source = sources.get(getOriginKey(message))
  const telemetry = source && telemetries.get(source)
  return telemetry && { telemetry, source }
}

/** Where `message` is from: as it says itself, else as it was delivered. */
export function getTopicPartition(message: ReceivedMessage): Pick<MessageSource, 'topic' | 'partition'> {
  const { topic, partition } = message
  if (topic !== undefined && partition !== undefined) return message
  const source = sources.get(getOriginKey(message))
  return { topic: topic ?? source?.topic, partition: partition ?? source?.partition }
}

/**
 * What the sources of messages agree on: a batch that is told without one may be from several
 * topics and partitions. Of messages of one source it is that source.
 */
export function getCommonSource(messages: readonly ReceivedMessage[]): MessageSource {
  let common: MessageSource | undefined
  for (const message of messages) {
    const source = sources.get(getOriginKey(message)) ?? message
    common = common === undefined ? source : intersectSources(common, source)
  }
  return common ?? NO_SOURCE
}

const NO_SOURCE: MessageSource = Object.freeze({})

function intersectSources(one: MessageSource, other: MessageSource): MessageSource {
  if (one === other) return one
  const isOneTopic = one.topic === other.topic
  const isOnePartition = isOneTopic && one.partition === other.partition
  const { groupId, clientId, clusterId, server } = one
  const isOneClient = groupId === other.groupId && clientId === other.clientId
  if (isOnePartition && isOneClient) return one
  return {
    topic: isOneTopic ? one.topic : undefined,
    partition: isOnePartition ? one.partition : undefined,
    groupId: groupId === other.groupId ? groupId : undefined,
    clientId: clientId === other.clientId ? clientId : undefined,
    clusterId: clusterId === other.clusterId ? clusterId : undefined,
    server: server === other.server ? server : undefined,
  }
}

/**
 * By what a message is remembered: an object that the messages of one partition's record batch
 * share, which kafkajs puts on each of them, else the message. To remember an object costs about
 * 0.2 us, most of what a message of a batch costs that isn't recorded.
 */
export function getOriginKey(message: object): object {
  const { batchContext } = message as { readonly batchContext?: unknown }
  return typeof batchContext === 'object' && batchContext !== null ? batchContext : message
}

const sources = new WeakMap<object, MessageSource>()
const telemetries = new WeakMap<MessageSource, Processor>()
