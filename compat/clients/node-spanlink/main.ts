// kafkajs with @spanlink/kafka, batch by batch. README.md of the parent folder describes the
// environment.
import { SpanStatusCode, trace } from '@opentelemetry/api'
import { processMessage, traceKafkaJS } from '@spanlink/kafka'
import { type EachBatchPayload, Kafka, type KafkaMessage, logLevel, Partitioners } from 'kafkajs'
import { startTelemetry } from '../telemetry.ts'

const {
  KAFKA_BROKERS = '',
  GROUP = '',
  RUN = '',
  ORDERS_TOPIC = '',
  RETRY_TOPIC = '',
  DEAD_LETTER_TOPIC = '',
  OUTPUT_TOPIC = '',
} = process.env

type Order = { readonly id: string; readonly action: string; readonly last?: boolean }

const sdk = startTelemetry()
const brokers = KAFKA_BROKERS.split(',')
const kafka = traceKafkaJS(new Kafka({ clientId: GROUP, brokers, logLevel: logLevel.ERROR }))
const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
const consumer = kafka.consumer({ groupId: GROUP })
await Promise.all([producer.connect(), consumer.connect()])
await consumer.subscribe({ topics: [ORDERS_TOPIC, RETRY_TOPIC], fromBeginning: true })

const exitCode = Promise.withResolvers<number>()
await consumer.run({ autoCommit: false, eachBatch: handleBatch })
const code = await exitCode.promise
await consumer.disconnect()
await producer.disconnect()
await sdk.shutdown()
process.exit(code)

async function handleBatch({ batch: { topic, partition, messages } }: EachBatchPayload): Promise<void> {
  for (const message of messages) {
    const order = JSON.parse(String(message.value)) as Order
    const hasCrashed = await processMessage(message, () => handle(topic, order, message))
    if (hasCrashed) return exitCode.resolve(3)
    await consumer.commitOffsets([{ topic, partition, offset: String(Number(message.offset) + 1) }])
    if (order.last) exitCode.resolve(0)
  }
}

/** Returns whether it crashed. */
async function handle(topic: string, { id, action }: Order, { key, value }: KafkaMessage): Promise<boolean> {
  if (action === 'crash' && RUN === '1') return true
  const isFirst = topic === ORDERS_TOPIC
  const fails = isFirst && (action === 'retry' || action === 'reject')
  if (fails) recordError(new Error(`cannot ${action === 'retry' ? 'reach the carrier' : 'ship'} ${id}`))
  const next = fails ? (action === 'retry' ? RETRY_TOPIC : DEAD_LETTER_TOPIC) : OUTPUT_TOPIC
  await producer.send({ topic: next, messages: [{ key, value }] })
  return false
}

function recordError(error: Error): void {
  const span = trace.getActiveSpan()
  span?.recordException(error)
  span?.setStatus({ code: SpanStatusCode.ERROR, message: error.message })
}
