// An HTTP server, a topic and a consumer. There is not a word of tracing here.
import express from 'express'
import { Kafka, logLevel } from 'kafkajs'

const kafka = new Kafka({ brokers: [process.env.KAFKA_BROKER ?? 'localhost:9092'], logLevel: logLevel.ERROR })
const [admin, producer, consumer] = [kafka.admin(), kafka.producer(), kafka.consumer({ groupId: 'shipping' })]
await Promise.all([admin, producer, consumer].map((client) => client.connect()))
await admin.createTopics({ topics: [{ topic: 'orders' }] })
await consumer.subscribe({ topics: ['orders'], fromBeginning: true })
await consumer.run({ eachMessage: async ({ message }) => console.log('shipped', String(message.value)) })

const app = express()
app.post('/orders/:item', async ({ params }, response) => {
  await producer.send({ topic: 'orders', messages: [{ value: params.item }] })
  response.status(202).end()
})
app.listen(process.env.PORT ?? 3000, () => console.log('ready'))
