import { context } from '@opentelemetry/api'
import type { KafkaJS } from '@confluentinc/kafka-javascript'
import { observe } from '../core/span/run-in-span.ts'
import type { OutgoingFormat } from '../core/telemetry.ts'
import type { Instrumentation } from '../core/instrumentation.ts'
import { mergeMetadata, listPartitions, toRecordMetadata, resolveSharedMetadata } from './record-metadata.ts'
import type { ClientSettings } from '../rdkafka/settings.ts'
import { settleAsync } from '../rdkafka/settle.ts'
import { createSettlement, flattenOffsets } from '../core/clients/settlement.ts'
import { withErrorType } from '../rdkafka/errors.ts'
import { toRecordHeaders } from '../core/clients/record-headers.ts'
import { replaceMethod } from '../core/clients/override.ts'

/**
 * Traces `send`, `sendBatch` (which calls `this.send` for every topic) and transactions
 * (`transaction()` returns the producer itself).
 */
export function traceConfluentProducer(
  producer: KafkaJS.Producer,
  instrumentation: Instrumentation,
  settings: ClientSettings,
  splitSends: boolean,
): void {
  const send = producer.send.bind(producer)
  replaceMethod(producer, 'send', (record) => {
    if (!isSendable(record)) return send(record)
    const { topic, messages } = record
    const { clientId, cluster } = settings
    const getLeader = (partition: number | undefined) => cluster.getLeader(topic, partition)
    const started = instrumentation.startSend({ topic, messages, format: MESSAGES, clientId, getLeader })
    // The client changes the messages it is given, so that they cannot be sent twice.
    const fail = (error: unknown): void => started.fail(withErrorType(error))
    let copies: KafkaJS.Message[]
    try {
      copies = started.messages.map((message, i) => (message === messages[i] ? copyMessage(message) : message))
    } catch (error) {
      // An accessor that throws: the client rejects with that error.
      fail(error)
      return send(record)
    }
    const sendOne = (part: KafkaJS.Message[]): Promise<KafkaJS.RecordMetadata[]> =>
      // Own properties count: the client looks for `acks` and others, which it refuses.
      send({ ...record, topic, messages: part })
    if (splitSends && started.isRecording && copies.length > 1) {
      return observe(
        () => context.with(started.context, () => Promise.all(copies.map((copy) => sendOne([copy])))),
        (results) => started.succeed(toRecordMetadata(results), listPartitions(results.flat())),
        fail,
      ).then(mergeMetadata)
    }
    return observe(
      () => context.with(started.context, sendOne, undefined, copies),
      (metadata) => {
        if (!started.isObserved) return started.succeed()
        started.succeed(resolveSharedMetadata(metadata, copies.length), listPartitions(metadata))
      },
      fail,
    )
  })
  traceConfluentTransactions(producer, instrumentation, settings)
}

const MESSAGES: OutgoingFormat<KafkaJS.Message> = {
  read: toRecordHeaders,
  withHeaders: (message, headers) => ({ ...copyMessage(message), headers: headers as KafkaJS.Message['headers'] }),
}

// Invalid records are passed on unchanged: the client rejects them with its own error.
function isSendable(record: KafkaJS.ProducerRecord | undefined): record is KafkaJS.ProducerRecord {
  try {
    return (
      isObject(record) &&
      typeof record.topic === 'string' &&
      record.topic !== '' &&
      Array.isArray(record.messages) &&
      record.messages.length > 0 &&
      record.messages.every(isObject)
    )
  } catch {
    return false
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function copyMessage(message: KafkaJS.Message): KafkaJS.Message {
  if (Object.getPrototypeOf(message) === Object.prototype) return { ...message }
  // The client reads these three by name, also when they are inherited.
  const { key, value, headers } = message
  return { ...message, key, value, headers }
}

/**
 * Traces the end of a transaction; `transaction()` returns the producer, which has these methods.
 */
function traceConfluentTransactions(
  producer: KafkaJS.Producer,
  instrumentation: Instrumentation,
  settings: ClientSettings,
): void {
  const commit = producer.commit.bind(producer)
  const abort = producer.abort.bind(producer)
  const sendOffsets = producer.sendOffsets.bind(producer)
  const settlement = (operationName: string) => ({ operationName, clientId: settings.clientId })
  replaceMethod(producer, 'commit', () => settleAsync(instrumentation, settlement('commit_transaction'), commit))
  replaceMethod(producer, 'abort', () => settleAsync(instrumentation, settlement('abort_transaction'), abort))
  replaceMethod(producer, 'sendOffsets', (args) =>
    settleAsync(
      instrumentation,
      createSettlement('send_offsets', flattenOffsets(args), { clientId: settings.clientId }),
      () => sendOffsets(args),
    ),
  )
}
