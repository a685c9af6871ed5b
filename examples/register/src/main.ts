// Sends three orders, packs each, and ends. There is not a word of tracing here.
import kafkajs from 'kafkajs'

const { Kafka, Partitioners, logLevel } = kafkajs
const topic = 'register-orders'

const kafka = new Kafka({
  clientId: 'orders',
  brokers: (process.env['KAFKA_BROKERS'] ?? 'localhost:9092').split(','),
  logLevel: logLevel.ERROR,
})

const admin = kafka.admin()
await admin.connect()
await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] })
await admin.disconnect()

const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
await producer.connect()
await producer.send({
  topic,
  messages: ['mug', 'tea', 'spoon'].map((item, i) => ({ key: `order-${i}`, value: item })),
})
await producer.disconnect()

const consumer = kafka.consumer({ groupId: `packing-${Date.now()}` })
await consumer.connect()
await consumer.subscribe({ topics: [topic], fromBeginning: true })
const packed = Promise.withResolvers<void>()
await consumer.run({
  eachMessage: async ({ message }) => {
    process.stdout.write(`packed ${String(message.value)}\n`)
    if (String(message.value) === 'spoon') packed.resolve()
  },
})
await packed.promise
await consumer.disconnect()
