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
import { quietly, reportFailure } from '../diagnosis.ts'
import { observe } from '../run-in-span.ts'
import type { OutgoingFormat, RecordPlace, StartedSend } from '../send.ts'
import type { ClientMetrics } from '../metrics/client-metrics.ts'
import type { KafkaTelemetry } from '../telemetry.ts'
import type { KafkaJSCluster } from './kafkajs-cluster.ts'
import type { ClientIdentity } from './kafkajs-identity.ts'
import { tellProducerEvents } from './kafkajs-events.ts'
import { measureProducer } from './kafkajs-metrics.ts'
import { recordPlaces } from './kafkajs-partitions.ts'
import type { WatchedPartitions } from './kafkajs-partitions.ts'
import { traceTransactionEnd } from './kafkajs-settle.ts'
import type { Settling } from './kafkajs-settle.ts'
import { overriding, replaceMethod } from './replace-method.ts'

/** Traces `send`, `sendBatch` and the same two of every transaction. */
export function traceProducer(
  producer: Producer,
  telemetry: KafkaTelemetry,
  identity: ClientIdentity,
  cluster: KafkaJSCluster,
  partitions: WatchedPartitions,
): void {
  const { transaction } = producer
  const work = measureProducer(producer, telemetry)
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
  replaceMethod(sender, 'send', (record: ProducerRecord) => {
    if (!isSendable(record)) return send(record)
    const started = startSend(record, sending)
    return finish([record], [started], sending, () =>
      context.with(started.within, send, undefined, withMessages(record, started)),
    )
  })
  replaceMethod(sender, 'sendBatch', (batch: ProducerBatch) => {
    const topics = batch?.topicMessages
    if (!Array.isArray(topics) || topics.length === 0 || !topics.every(isSendable)) return sendBatch(batch)
    const started = topics.map((topic) => startSend(topic, sending))
    // Requests of several topics belong to no single Send span, so they stay with the caller's.
    const within = started.length === 1 ? started[0]!.within : context.active()
    const topicMessages = topics.map((topic, i) => withMessages(topic, started[i]!))
    return finish(topics, started, sending, () =>
      context.with(within, sendBatch, undefined, overriding(batch, { topicMessages })),
    )
  })
}

// kafkajs answers what it won't send with errors of its own, which quote the message: it must see the application's.
function isSendable(record: TopicMessages | undefined): record is TopicMessages {
  return (
    typeof record?.topic === 'string' &&
    record.topic !== '' &&
    Array.isArray(record.messages) &&
    record.messages.every((message: unknown) => isObject(message) && (message as Message).value !== undefined)
  )
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function startSend(
  { topic, messages }: TopicMessages,
  { telemetry, identity: { clientId }, cluster: { clusterId } }: Sending,
): StartedSend<Message> {
  return telemetry.startSend({ topic, messages, format: MESSAGES, clientId, clusterId })
}

const MESSAGES: OutgoingFormat<Message> = {
  read: (message) => message,
  withHeaders: (message, headers) => ({ ...ownFields(message), headers: headers as Message['headers'] }),
}

// kafkajs reads these five by name, so an instance whose class has them as accessors is a message, too.
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

function finish(
  topics: readonly TopicMessages[],
  started: readonly StartedSend<Message>[],
  sending: Sending,
  send: () => Promise<RecordMetadata[]>,
): Promise<RecordMetadata[]> {
  const { partitions, work } = sending
  const isRecording = started.some((one) => one.isRecording)
  const metrics = work.metrics()
  if (metrics !== undefined || (isRecording && !isOneMessage(topics))) {
    for (const { messages } of started) for (const message of messages) partitions.watch(message)
  }
  return observe(
    metrics === undefined ? send : () => work.own(send),
    (metadata) => {
      const places = isRecording ? placesOf(topics, started, metadata, sending) : NO_PLACES
      for (let i = 0; i < started.length; i += 1) started[i]!.succeed(places[i])
      if (metrics !== undefined) countRetries(metrics, topics, started, partitions, 0)
    },
    (error: unknown) => {
      if (metrics !== undefined) countRetries(metrics, topics, started, partitions, retryCount(error))
      for (const one of started) one.fail(error)
    },
  )
}

type Places = readonly (readonly RecordPlace[])[]

const NO_PLACES: Places = []

function isOneMessage(topics: readonly TopicMessages[]): boolean {
  return topics.length === 1 && topics[0]!.messages.length === 1
}

function placesOf(
  topics: readonly TopicMessages[],
  started: readonly StartedSend<Message>[],
  metadata: readonly RecordMetadata[],
  { cluster, partitions }: Sending,
): Places {
  try {
    const sent = topics.map(({ topic }, i) => ({ topic, messages: started[i]!.messages }))
    const places = recordPlaces(sent, metadata, partitions)
    for (let i = 0; i < places.length; i += 1) {
      for (const place of places[i]!) place.server = cluster.leaderOf(topics[i]!.topic, place.partition)
    }
    return places
  } catch (error) {
    reportFailure('read where records are', error)
    return NO_PLACES
  }
}

function countRetries(
  metrics: ClientMetrics,
  topics: readonly TopicMessages[],
  started: readonly StartedSend<Message>[],
  partitions: WatchedPartitions,
  reported: number,
): void {
  for (const [i, { messages }] of started.entries()) {
    const [first] = messages
    const retries = Math.max(reported, first ? partitions.retriesOf(first) : 0)
    if (retries > 0) metrics.retried(topics[i]!.topic, retries)
  }
}

/** Of a KafkaJSNumberOfRetriesExceeded. */
function retryCount(error: unknown): number {
  const count = (error as { readonly retryCount?: unknown } | null)?.retryCount
  return typeof count === 'number' ? count : 0
}
