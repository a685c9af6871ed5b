// Sends three orders in one call, processes each, and ends.
import { sdk } from './telemetry.ts'
import { KafkaJS } from '@confluentinc/kafka-javascript'
import { trace } from '@opentelemetry/api'
import { traceConfluent } from '@spanlink/kafka'

const topic = 'confluent-orders'

// The one line that traces: every producer and consumer that is made from this `kafka`.
const kafka = traceConfluent(
  new KafkaJS.Kafka({
    kafkaJS: {
      clientId: 'orders',
      brokers: (process.env['KAFKA_BROKERS'] ?? 'localhost:9092').split(','),
      logLevel: KafkaJS.logLevel.ERROR,
    },
  }),
)

const admin = kafka.admin()
await admin.connect()
await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] })
await admin.disconnect()

const producer = kafka.producer()
await producer.connect()
await producer.send({
  topic,
  messages: ['mug', 'tea', 'spoon'].map((item, i) => ({ key: `order-${i}`, value: item })),
})
await producer.disconnect()

const consumer = kafka.consumer({ kafkaJS: { groupId: `packing-${Date.now()}`, fromBeginning: true } })
await consumer.connect()
await consumer.subscribe({ topics: [topic] })
const packed = Promise.withResolvers<void>()
await consumer.run({
  // Runs inside of the message's process span, which links to the span that created the message.
  eachMessage: async ({ message }) => {
    trace.getActiveSpan()?.setAttribute('app.item', String(message.value))
    process.stdout.write(`packed ${String(message.value)}\n`)
    if (String(message.value) === 'spoon') packed.resolve()
  },
})
await packed.promise
await consumer.disconnect()

await sdk.shutdown()
