import { setTimeout as sleep } from 'node:timers/promises'
import type { Consumer, EachBatchPayload, KafkaMessage } from 'kafkajs'
import { OtlpError } from '../../otlp/error.ts'
import { type IngestPipeline, RetryableError } from '../ingest-pipeline.ts'
import type { KafkaAccess } from './access.ts'
import { connectToKafka } from './client.ts'
import { openKafkaQuarantine, type QuarantineCounts } from './quarantine.ts'
import type { KafkaRecord } from './record.ts'
import type { Log } from '../../log.ts'
import { toRejection } from '../rejection.ts'
import type { Client } from '../rejection-log.ts'
import type { Signal } from '../signals.ts'

export type KafkaReceiverOptions = KafkaAccess & {
  /** Consumer group: servers of the same group share the partitions. */
  readonly groupId: string
  /**
   * The signal of each topic. A message is one OTLP request, as the Collector's Kafka exporter
   * writes it.
   */
  readonly topics: ReadonlyMap<string, Signal>
  readonly pipeline: IngestPipeline
  /** Unreadable records are quarantined there. */
  readonly dataDir: string
  readonly log: Log
}

export type KafkaStatus = {
  /** Messages skipped or quarantined because they could not be ingested. */
  readonly rejectedMessages: number
  /** Failed attempts to connect or subscribe, and restarts of the consumer after an error. */
  readonly connectionFailures: number
  readonly quarantine: QuarantineCounts
}

type TopicPartition = { readonly topic: string; readonly partition: number }

export type KafkaReceiver = {
  getStatus(): KafkaStatus
  /** Finishes and commits the current messages and leaves the group, until the deadline. */
  close(deadlineMs: number): Promise<void>
}

/** Ingested concurrently, so that they share journal writes. */
const MAX_CONCURRENT_MESSAGES = 64

const RETRY_DELAY_MS = 1000
const RECONNECT_DELAY_MS = 5000

/** `{`, the first byte of `otlp_json`. A protobuf request can't start with it: it is no tag. */
const JSON_START = 0x7b

/**
 * Consumes OTLP requests from topics. An offset is committed after the journal has all messages
 * before it: after a crash some messages are consumed again and none is lost. A full journal blocks
 * the partition and is retried; an unreadable batch is quarantined, and the partition continues.
 *
 * @throws if the optional package kafkajs isn't installed; connection errors are retried
 */
export async function startKafkaReceiver(options: KafkaReceiverOptions): Promise<KafkaReceiver> {
  const { dataDir, pipeline, log } = options
  const { consumer, withLimits } = connectToKafka(options, options.groupId)
  const quarantine = await openKafkaQuarantine(dataDir, log)
  let connectionFailures = 0
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    connectionFailures++
    log(`Kafka consumer failed, restarting: ${String(payload.error)}`, { level: 'warn' })
  })
  const stop = new AbortController()
  let rejectedMessages = 0
  const takeMessage = async (signal: Signal, message: KafkaMessage, where: TopicPartition): Promise<void> => {
    const { offset, value: body } = message
    const { unreadable } = message as Pick<KafkaRecord, 'unreadable'>
    if (unreadable !== undefined) return await quarantine.add({ ...where, ...unreadable })
    if (body === null) return
    const transcode = body[0] === JSON_START ? signal.json : signal.protobuf
    const address = `${where.topic}/${where.partition} at offset ${offset}`
    const client: Client = { receiver: 'Kafka', address }
    while (!stop.signal.aborted) {
      try {
        await pipeline.ingest(client, signal.items, transcode, { bytes: body, release: () => {} })
        return
      } catch (error) {
        if (error instanceof RetryableError) {
          await sleep(RETRY_DELAY_MS, undefined, { signal: stop.signal }).catch(() => {})
          continue
        }
        rejectedMessages++
        const { reason, details } = toRejection(error)
        pipeline.countRejection(client, reason, details)
        if (!(error instanceof OtlpError)) {
          const { message: why } = error as Error
          await quarantine.add({ ...where, baseOffset: offset, lastOffset: offset, error: why, bytes: body })
        }
        return
      }
    }
    throw new RetryableError('the server is stopping')
  }
  const eachBatch = async (payload: EachBatchPayload): Promise<void> => {
    const { topic, partition, messages } = payload.batch
    const signal = options.topics.get(topic)
    if (signal === undefined) return
    for (
      let from = 0;
      from < messages.length && payload.isRunning() && !payload.isStale();
      from += MAX_CONCURRENT_MESSAGES
    ) {
      const some = messages.slice(from, from + MAX_CONCURRENT_MESSAGES)
      // Without heartbeats while the journal is full, the group would remove this member.
      const beat = setInterval(() => void payload.heartbeat().catch(() => {}), RETRY_DELAY_MS)
      try {
        await Promise.all(some.map((message) => takeMessage(signal, message, { topic, partition })))
      } finally {
        clearInterval(beat)
      }
      const { offset } = some.at(-1) as KafkaMessage
      payload.resolveOffset(offset)
      await consumer.commitOffsets([{ topic, partition, offset: String(BigInt(offset) + 1n) }])
      await payload.heartbeat()
    }
  }
  const running = withLimits(() =>
    run(consumer, options, eachBatch, { signal: stop.signal, onFailure: () => connectionFailures++ }),
  )
  return {
    getStatus: () => ({ rejectedMessages, connectionFailures, quarantine: quarantine.getCounts() }),
    close: async (deadlineMs) => {
      stop.abort()
      const left = running.then(() => consumer.disconnect()).catch(() => {})
      const late = new AbortController()
      await Promise.race([left, sleep(deadlineMs, undefined, { signal: late.signal }).catch(() => {})])
      late.abort()
    },
  }
}

/** Resolves when the consumer runs (kafkajs restarts it after errors) or `signal` is aborted. */
async function run(
  consumer: Consumer,
  { topics, brokers, log }: KafkaReceiverOptions,
  eachBatch: (payload: EachBatchPayload) => Promise<void>,
  { signal, onFailure }: { readonly signal: AbortSignal; readonly onFailure: () => void },
): Promise<void> {
  while (!signal.aborted) {
    try {
      await consumer.connect()
      await consumer.subscribe({ topics: [...topics.keys()], fromBeginning: true })
      await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch })
      return
    } catch (error) {
      onFailure()
      log(`Kafka at ${brokers.join(', ')} can't be read, retry in ${RECONNECT_DELAY_MS} ms: ${String(error)}`, {
        level: 'warn',
      })
      await sleep(RECONNECT_DELAY_MS, undefined, { signal }).catch(() => {})
    }
  }
}
