// kafkajs with @spanlink/kafka, batch by batch. README.md of the parent folder describes the
// environment.
import { processMessage, traceKafkaJS } from '@spanlink/kafka'
import { type EachBatchPayload, Kafka, type KafkaMessage, logLevel, Partitioners } from 'kafkajs'
import { GROUP, KAFKA_BROKERS, type Order, ORDERS_TOPIC, processOrder, RETRY_TOPIC, RUN } from '../orders.ts'
import { startTelemetry } from '../telemetry.ts'

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
async function handle(topic: string, order: Order, { key, value }: KafkaMessage): Promise<boolean> {
  if (order.action === 'crash' && RUN === '1') return true
  const next = processOrder(topic, order)
  await producer.send({ topic: next, messages: [{ key, value }] })
  return false
}
