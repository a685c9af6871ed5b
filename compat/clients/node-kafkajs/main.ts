// kafkajs with @opentelemetry/instrumentation-kafkajs. README.md of the parent folder describes the
// environment.
import { type EachMessagePayload, Kafka, logLevel, Partitioners } from 'kafkajs'
import { GROUP, KAFKA_BROKERS, type Order, ORDERS_TOPIC, processOrder, RETRY_TOPIC, RUN } from '../orders.ts'
import { stopTracing } from './tracing.ts'

const kafka = new Kafka({ clientId: GROUP, brokers: KAFKA_BROKERS.split(','), logLevel: logLevel.ERROR })
const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
const consumer = kafka.consumer({ groupId: GROUP })
await Promise.all([producer.connect(), consumer.connect()])
await consumer.subscribe({ topics: [ORDERS_TOPIC, RETRY_TOPIC], fromBeginning: true })

let exit = (_code: number): void => {}
const exitCode = new Promise<number>((resolve) => (exit = resolve))
await consumer.run({ autoCommit: false, eachMessage: handle })
const code = await exitCode
await consumer.disconnect()
await producer.disconnect()
await stopTracing()
process.exit(code)

async function handle({ topic, partition, message }: EachMessagePayload): Promise<void> {
  const value = String(message.value)
  const order = JSON.parse(value) as Order
  if (order.action === 'crash' && RUN === '1') return exit(3)
  const next = processOrder(topic, order)
  await producer.send({ topic: next, messages: [{ key: order.id, value }] })
  await consumer.commitOffsets([{ topic, partition, offset: String(Number(message.offset) + 1) }])
  if (order.last) exit(0)
}
