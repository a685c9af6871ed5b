import { randomUUID } from 'node:crypto'
import type * as Confluent from '@confluentinc/kafka-javascript'
import type { KafkaJS } from '@confluentinc/kafka-javascript'
import { useKafka } from '@spanlink/testkit/vitest'
import { traceConfluent } from '@spanlink/kafka'
import type { ConfluentOptions } from '@spanlink/kafka'

/** Traced and untraced Confluent clients of the test broker. */
export function useConfluent(confluent: typeof Confluent) {
  const kafka = useKafka()
  const newKafka = (): KafkaJS.Kafka =>
    new confluent.KafkaJS.Kafka({
      kafkaJS: { brokers: kafka().brokers, clientId: 'suite', logLevel: confluent.KafkaJS.logLevel.NOTHING },
    })
  const newTopic = async (partitions = 1): Promise<string> => {
    const topic = `t-${randomUUID()}`
    await kafka().createTopic(topic, { partitions })
    return topic
  }
  const connected = async (
    options?: ConfluentOptions,
    config?: KafkaJS.ProducerConstructorConfig,
  ): Promise<KafkaJS.Producer & AsyncDisposable> => {
    const producer = traceConfluent(newKafka(), options).producer(config)
    await producer.connect()
    return Object.assign(producer, { [Symbol.asyncDispose]: () => producer.disconnect() })
  }
  const subscribed = async (
    topic: string,
    from = traceConfluent(newKafka()),
    autoCommit = false,
  ): Promise<KafkaJS.Consumer & AsyncDisposable> => {
    const consumer = from.consumer({
      kafkaJS: { groupId: `g-${randomUUID()}`, fromBeginning: true, autoCommit, maxWaitTimeInMs: 50 },
      'js.consumer.max.batch.size': -1,
    })
    await consumer.connect()
    await consumer.subscribe({ topics: [topic] })
    return Object.assign(consumer, { [Symbol.asyncDispose]: () => consumer.disconnect() })
  }
  /** Partition and offset of each key as the broker stored them, read without tracing. */
  const stored = async (topic: string, count: number): Promise<Map<string, string>> => {
    await using consumer = await subscribed(topic, newKafka())
    const offsets = new Map<string, string>()
    const { promise, resolve } = Promise.withResolvers<void>()
    await consumer.run({
      eachMessage: async ({ partition, message }) => {
        offsets.set(String(message.key), `${partition}@${message.offset}`)
        if (offsets.size === count) resolve()
      },
    })
    await promise
    return offsets
  }
  return { brokers: () => kafka().brokers, newKafka, newTopic, connected, subscribed, stored }
}
