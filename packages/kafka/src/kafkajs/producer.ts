import { context } from '@opentelemetry/api'
import type {
  Message,
  Producer,
  ProducerBatch,
  ProducerRecord,
  RecordMetadata,
  TopicMessages,
  Transaction,
} from 'kafkajs'
import { quietly, reportFailure } from '../core/diagnostics.ts'
import { observe, observeInPlace } from '../core/span/run-in-span.ts'
import type { OutgoingFormat, RecordPlace, StartedSend } from '../core/send.ts'
import type { KafkaTelemetry } from '../core/telemetry.ts'
import type { KafkaJSCluster } from './cluster.ts'
import { withOwnConnections } from './connections.ts'
import type { ClientIdentity } from './identity.ts'
import { tellProducerEvents } from './events.ts'
import { measureProducer } from './metrics.ts'
import { onlyPlace, recordPlaces } from './record-metadata.ts'
import type { WatchedPartitions } from './record-metadata.ts'
import { traceTransactionEnd } from './settle.ts'
import type { Settling } from './settle.ts'
import { asRecord } from '../core/clients/record-headers.ts'
import { overriding, replaceMethod } from '../core/clients/override.ts'

/** Traces `send`, `sendBatch` and the same two of every transaction. */
export function traceProducer(
  producer: Producer,
  telemetry: KafkaTelemetry,
  identity: ClientIdentity,
  cluster: KafkaJSCluster,
  partitions: WatchedPartitions,
): void {
  const { transaction } = producer
  const work = withOwnConnections(measureProducer(producer, telemetry), cluster)
  tellProducerEvents(producer, telemetry, identity, cluster)
  const sending: Sending = { telemetry, identity, cluster, partitions, work }
  traceSender(producer, sending)
  replaceMethod(producer, 'transaction', async () => {
    // A fresh object with its own send and sendBatch, which are not the producer's.
    const begun = await transaction()
    quietly('trace a kafkajs transaction', () => {
      traceSender(begun, sending)
      traceTransactionEnd(begun, sending)
    })
    return begun
  })
}

interface Sending extends Settling {
  readonly partitions: WatchedPartitions
}

function traceSender(sender: Producer | Transaction, sending: Sending): void {
  const { send, sendBatch } = sender
  const { work } = sending
  replaceMethod(sender, 'send', (record: ProducerRecord) => {
    if (!isSendable(record)) return send(record)
    const started = startSend(record, sending)
    watchPartitionsOf(started, sending, record.messages.length === 1)
    return observeInPlace(
      () => work.own(() => context.with(started.within, send, undefined, withMessages(record, started))),
      (metadata: RecordMetadata[]) => {
        started.succeed(
          started.isRecording ? placesOf(record.topic, started, metadata, sending) : undefined,
          started.isObserved ? partitionsOf(record.topic, metadata) : undefined,
        )
        countRetries(sending, record.topic, started)
        return metadata
      },
      (error) => {
        countRetries(sending, record.topic, started, error)
        started.fail(error)
        throw error
      },
    )
  })
  replaceMethod(sender, 'sendBatch', (batch: ProducerBatch) => {
    const topics = batch?.topicMessages
    if (!Array.isArray(topics) || topics.length === 0 || !topics.every(isSendable)) return sendBatch(batch)
    const started = topics.map((topic) => startSend(topic, sending))
    // Requests of several topics belong to no single Send span, so they stay with the caller's.
    const within = started.length === 1 ? started[0]!.within : context.active()
    const topicMessages = topics.map((topic, i) => withMessages(topic, started[i]!))
    for (const one of started) watchPartitionsOf(one, sending, topicMessages.length === 1 && one.messages.length === 1)
    return observe(
      () => work.own(() => context.with(within, sendBatch, undefined, overriding(batch, { topicMessages }))),
      (metadata) => {
        const places = started.some(({ isRecording }) => isRecording)
          ? placesOfTopics(topics, started, metadata, sending)
          : NO_PLACES
        for (const [i, one] of started.entries()) {
          one.succeed(places[i], one.isObserved ? partitionsOf(topics[i]!.topic, metadata) : undefined)
          countRetries(sending, topics[i]!.topic, one)
        }
      },
      (error: unknown) => {
        for (const [i, one] of started.entries()) {
          countRetries(sending, topics[i]!.topic, one, error)
          one.fail(error)
        }
      },
    )
  })
}

// kafkajs answers what it won't send with errors of its own, which quote the message: it must see
// the application's.
function isSendable(record: TopicMessages | undefined): record is TopicMessages {
  try {
    return (
      typeof record?.topic === 'string' &&
      record.topic !== '' &&
      Array.isArray(record.messages) &&
      record.messages.every(isMessage)
    )
  } catch {
    // An accessor that throws: kafkajs rejects with that error.
    return false
  }
}

function isMessage(message: unknown): message is Message {
  if (typeof message !== 'object' || message === null) return false
  const { value, headers } = message as { readonly value?: unknown; readonly headers?: unknown }
  return value !== undefined && headers !== null
}

function startSend(
  { topic, messages }: TopicMessages,
  { telemetry, identity: { clientId }, cluster }: Sending,
): StartedSend<Message> {
  const { clusterId } = cluster
  const leaderOf = (partition: number | undefined) => cluster.leaderOf(topic, partition)
  return telemetry.startSend({ topic, messages, format: MESSAGES, clientId, clusterId, leaderOf })
}

const MESSAGES: OutgoingFormat<Message> = {
  read: asRecord,
  withHeaders: (message, headers) => ({ ...ownFields(message), headers: headers as Message['headers'] }),
}

// kafkajs reads these five by name, so an instance whose class has them as accessors is a message,
// too.
function ownFields(message: Message): Message {
  if (Object.getPrototypeOf(message) === Object.prototype) return message
  const { key, value, partition, timestamp } = message
  return { ...message, key, value, partition, timestamp }
}

function withMessages<T extends TopicMessages>(record: T, { messages }: StartedSend<Message>): T {
  // What has no prototype of its own inherits nothing, so a plain copy does, which is quicker.
  if (Object.getPrototypeOf(record) === Object.prototype) return { ...record, messages: messages as Message[] }
  return overriding<TopicMessages>(record, { messages: messages as Message[] }) as T
}

/**
 * One message has one place in the answer; of more, and of retries, kafkajs tells the partitioner
 * alone.
 */
function watchPartitionsOf(
  { messages, isRecording }: StartedSend<Message>,
  { partitions, work }: Sending,
  isAlone: boolean,
): void {
  if (!partitions.isPossible || (work.metrics() === undefined && (!isRecording || isAlone))) return
  for (const message of messages) partitions.watch(message)
}

const NO_PLACES: readonly (readonly RecordPlace[])[] = []

function placesOf(
  topic: string,
  { messages }: StartedSend<Message>,
  metadata: readonly RecordMetadata[],
  { partitions }: Sending,
): readonly RecordPlace[] | undefined {
  try {
    const place = messages.length === 1 ? onlyPlace(topic, metadata) : undefined
    return place ? [place] : recordPlaces([{ topic, messages }], metadata, partitions)[0]!
  } catch (error) {
    reportFailure('read where records are', error)
    return undefined
  }
}

function placesOfTopics(
  topics: readonly TopicMessages[],
  started: readonly StartedSend<Message>[],
  metadata: readonly RecordMetadata[],
  { partitions }: Sending,
): readonly (readonly RecordPlace[])[] {
  try {
    const sent = topics.map(({ topic }, i) => ({ topic, messages: started[i]!.messages }))
    return recordPlaces(sent, metadata, partitions)
  } catch (error) {
    reportFailure('read where records are', error)
    return NO_PLACES
  }
}

function partitionsOf(topic: string, metadata: unknown): readonly number[] {
  const partitions: number[] = []
  if (!Array.isArray(metadata)) return partitions
  for (const one of metadata as readonly (RecordMetadata | undefined)[]) {
    if (one?.topicName === topic) partitions.push(one.partition)
  }
  return partitions
}

function countRetries(
  { work, partitions }: Sending,
  topic: string,
  { messages }: StartedSend<Message>,
  error?: unknown,
): void {
  const metrics = work.metrics()
  if (metrics === undefined) return
  const retries = Math.max(retryCount(error), messages.length > 0 ? partitions.retriesOf(messages[0]!) : 0)
  if (retries > 0) metrics.retried(topic, retries)
}

/** Of a KafkaJSNumberOfRetriesExceeded. */
function retryCount(error: unknown): number {
  const count = (error as { readonly retryCount?: unknown } | null | undefined)?.retryCount
  return typeof count === 'number' ? count : 0
}
