import { context } from '@opentelemetry/api'
import type {
  Message,
  Producer,
  ProducerBatch,
  ProducerRecord,
  RecordMetadata as KafkaJSMetadata,
  TopicMessages,
  Transaction,
} from 'kafkajs'
import { safely, reportFailure } from '../core/diagnostics.ts'
import { observe, observeInPlace } from '../core/span/run-in-span.ts'
import type { OutgoingFormat, RecordMetadata, StartedSend } from '../core/telemetry.ts'
import type { Instrumentation } from '../core/instrumentation.ts'
import type { KafkaJSCluster } from './cluster.ts'
import { scopeToConnections } from './connections.ts'
import type { ClientIdentity } from './identity.ts'
import { emitProducerEvents } from './events.ts'
import { measureProducer } from './metrics.ts'
import { resolveSingleMetadata, resolveBatchMetadata, type PartitionWatcher } from './record-metadata.ts'
import { traceTransactionEnd, type Settling } from './settle.ts'
import { toRecordHeaders } from '../core/clients/record-headers.ts'
import { overrideProperties, replaceMethod } from '../core/clients/override.ts'

/** Traces `send`, `sendBatch` and the same two of every transaction. */
export function traceProducer(
  producer: Producer,
  instrumentation: Instrumentation,
  identity: ClientIdentity,
  cluster: KafkaJSCluster,
  partitions: PartitionWatcher,
): void {
  const { transaction } = producer
  const work = scopeToConnections(measureProducer(producer, instrumentation), cluster)
  emitProducerEvents(producer, instrumentation, identity, cluster)
  const sending: Sending = { instrumentation, identity, cluster, partitions, work }
  traceSender(producer, sending)
  replaceMethod(producer, 'transaction', async () => {
    // A transaction has its own send and sendBatch.
    const started = await transaction()
    safely('trace a kafkajs transaction', () => {
      traceSender(started, sending)
      traceTransactionEnd(started, sending)
    })
    return started
  })
}

interface Sending extends Settling {
  readonly partitions: PartitionWatcher
}

function traceSender(sender: Producer | Transaction, sending: Sending): void {
  const { send, sendBatch } = sender
  const { work } = sending
  replaceMethod(sender, 'send', (record: ProducerRecord) => {
    if (!isSendable(record)) return send(record)
    const started = startSend(record, sending)
    watchPartitions(started, sending, record.messages.length === 1)
    return observeInPlace(
      () => work.runAsClient(() => context.with(started.context, send, undefined, replaceMessages(record, started))),
      (metadata: KafkaJSMetadata[]) => {
        started.succeed(
          started.isRecording ? readSendMetadata(record.topic, started, metadata, sending) : undefined,
          started.isObserved ? listPartitions(record.topic, metadata) : undefined,
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
    // Requests of several topics belong to no single Send span: keep the caller's context.
    const within = started.length === 1 ? started[0]!.context : context.active()
    const topicMessages = topics.map((topic, i) => replaceMessages(topic, started[i]!))
    for (const one of started) watchPartitions(one, sending, topicMessages.length === 1 && one.messages.length === 1)
    return observe(
      () =>
        work.runAsClient(() =>
          context.with(within, sendBatch, undefined, overrideProperties(batch, { topicMessages })),
        ),
      (metadata) => {
        const metadataByBatch = started.some(({ isRecording }) => isRecording)
          ? readBatchMetadata(topics, started, metadata, sending)
          : NO_METADATA
        for (const [i, one] of started.entries()) {
          one.succeed(metadataByBatch[i], one.isObserved ? listPartitions(topics[i]!.topic, metadata) : undefined)
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

// Invalid records are passed on unchanged: kafkajs's errors quote the message.
function isSendable(record: TopicMessages | undefined): record is TopicMessages {
  try {
    return (
      typeof record?.topic === 'string' &&
      record.topic !== '' &&
      Array.isArray(record.messages) &&
      record.messages.every(isMessage)
    )
  } catch {
    // kafkajs rejects with the error of such an accessor.
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
  { instrumentation, identity: { clientId }, cluster }: Sending,
): StartedSend<Message> {
  const getLeader = (partition: number | undefined) => cluster.getLeader(topic, partition)
  return instrumentation.startSend({
    topic,
    messages,
    format: MESSAGES,
    clientId,
    clusterId: cluster.getClusterId,
    getLeader,
  })
}

const MESSAGES: OutgoingFormat<Message> = {
  read: toRecordHeaders,
  withHeaders: (message, headers) => ({ ...copyMessage(message), headers: headers as Message['headers'] }),
}

// kafkajs reads these by name, so class instances with accessors are messages, too.
function copyMessage(message: Message): Message {
  if (Object.getPrototypeOf(message) === Object.prototype) return message
  const { key, value, partition, timestamp } = message
  return { ...message, key, value, partition, timestamp }
}

function replaceMessages<T extends TopicMessages>(record: T, { messages }: StartedSend<Message>): T {
  // Plain objects inherit nothing; a plain copy is faster.
  if (Object.getPrototypeOf(record) === Object.prototype) return { ...record, messages: messages as Message[] }
  return overrideProperties<TopicMessages>(record, { messages: messages as Message[] }) as T
}

/**
 * The result identifies the record of a single message; several, and retries, need the partitioner.
 */
function watchPartitions(
  { messages, isRecording }: StartedSend<Message>,
  { partitions, work }: Sending,
  isAlone: boolean,
): void {
  if (!partitions.isSupported || (work.getMetrics() === undefined && (!isRecording || isAlone))) return
  for (const message of messages) partitions.watch(message)
}

const NO_METADATA: readonly (readonly RecordMetadata[])[] = []

function readSendMetadata(
  topic: string,
  { messages }: StartedSend<Message>,
  metadata: readonly KafkaJSMetadata[],
  { partitions }: Sending,
): readonly RecordMetadata[] | undefined {
  try {
    const single = messages.length === 1 ? resolveSingleMetadata(topic, metadata) : undefined
    return single ? [single] : resolveBatchMetadata([{ topic, messages }], metadata, partitions)[0]!
  } catch (error) {
    reportFailure('read partitions and offsets of sent records', error)
    return undefined
  }
}

function readBatchMetadata(
  topics: readonly TopicMessages[],
  started: readonly StartedSend<Message>[],
  metadata: readonly KafkaJSMetadata[],
  { partitions }: Sending,
): readonly (readonly RecordMetadata[])[] {
  try {
    const sent = topics.map(({ topic }, i) => ({ topic, messages: started[i]!.messages }))
    return resolveBatchMetadata(sent, metadata, partitions)
  } catch (error) {
    reportFailure('read partitions and offsets of sent records', error)
    return NO_METADATA
  }
}

function listPartitions(topic: string, metadata: unknown): readonly number[] {
  const partitions: number[] = []
  if (!Array.isArray(metadata)) return partitions
  for (const one of metadata as readonly (KafkaJSMetadata | undefined)[]) {
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
  const metrics = work.getMetrics()
  if (metrics === undefined) return
  const retries = Math.max(readRetryCount(error), messages.length > 0 ? partitions.getRetryCount(messages[0]!) : 0)
  if (retries > 0) metrics.countRetries(topic, retries)
}

/** Reads the count of a KafkaJSNumberOfRetriesExceeded. */
function readRetryCount(error: unknown): number {
  const count = (error as { readonly retryCount?: unknown } | null | undefined)?.retryCount
  return typeof count === 'number' ? count : 0
}
