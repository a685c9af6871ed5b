import { processMessage, traceKafkaJS } from '@spanlink/kafka'
import kafkajs from 'kafkajs'
import type { Consumer, EachMessagePayload, KafkaMessage, Message } from 'kafkajs'
import type { ClientUnderTest, DeliveredTestMessage } from './client-under-test.ts'

const { Kafka, Partitioners, logLevel } = kafkajs

export const kafkaJSClient: ClientUnderTest = {
  name: 'kafkajs',
  async connect(brokers, options) {
    const kafka = traceKafkaJS(
      new Kafka({ brokers, clientId: 'suite', logLevel: logLevel.NOTHING, retry: { initialRetryTime: 20 } }),
      options,
    )
    const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
    await producer.connect()
    const consumers: Consumer[] = []
    const consume = async (topic: string, groupId: string): Promise<Consumer> => {
      const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100 })
      consumers.push(consumer)
      await consumer.connect()
      await consumer.subscribe({ topics: [topic], fromBeginning: true })
      return consumer
    }
    return {
      send: (topic, messages) => producer.send({ topic, messages: messages as Message[] }),
      async eachMessage(topic, groupId, handler) {
        const consumer = await consume(topic, groupId)
        await consumer.run({ eachMessage: ({ message }: EachMessagePayload) => handler(delivered(message)) })
      },
      async eachBatch(topic, groupId, handler) {
        const consumer = await consume(topic, groupId)
        await consumer.run({ eachBatch: ({ batch }) => handler(batch.messages.map(delivered)) })
      },
      async [Symbol.asyncDispose]() {
        await Promise.all([producer.disconnect(), ...consumers.map((consumer) => consumer.disconnect())])
      },
    }
  },
}

function delivered(message: KafkaMessage): DeliveredTestMessage {
  return {
    value: message.value?.toString(),
    headers: message.headers,
    process: (fn) => processMessage(message, fn),
  }
}
