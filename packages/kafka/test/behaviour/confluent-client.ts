import { processMessage, traceConfluent } from '@spanlink/kafka'
import type { KafkaJS } from '@confluentinc/kafka-javascript'
import type { ClientUnderTest, DeliveredTestMessage } from './client-under-test.ts'

type Confluent = typeof import('@confluentinc/kafka-javascript')

export function confluentClient(confluent: Confluent, settings: object = {}): ClientUnderTest {
  return {
    name: 'its KafkaJS API',
    async connect(brokers, options) {
      const { Kafka, logLevel } = confluent.KafkaJS
      const common = { brokers, clientId: 'suite', logLevel: logLevel.NOTHING }
      const kafka = traceConfluent(new Kafka({ kafkaJS: common }), options)
      const producer = kafka.producer({ 'message.max.bytes': 8 * 2 ** 20, ...settings })
      await producer.connect()
      const consumers: KafkaJS.Consumer[] = []
      const consume = async (topic: string, groupId: string): Promise<KafkaJS.Consumer> => {
        const consumer = kafka.consumer({
          kafkaJS: { groupId, fromBeginning: true, maxWaitTimeInMs: 100 },
          // -1 is unlimited; by default batches start with one message and grow with the rate.
          'js.consumer.max.batch.size': -1,
          ...settings,
        })
        consumers.push(consumer)
        await consumer.connect()
        await consumer.subscribe({ topics: [topic] })
        return consumer
      }
      return {
        send: (topic, messages) => producer.send({ topic, messages: messages as KafkaJS.Message[] }),
        async eachMessage(topic, groupId, handler) {
          const consumer = await consume(topic, groupId)
          await consumer.run({ eachMessage: ({ message }) => handler(delivered(message)) })
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
}

function delivered(message: KafkaJS.KafkaMessage): DeliveredTestMessage {
  return {
    value: message.value?.toString(),
    headers: message.headers,
    process: (fn) => processMessage(message, fn),
  }
}
