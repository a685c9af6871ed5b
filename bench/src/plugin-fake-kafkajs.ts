import type { Consumer, ConsumerRunConfig, EachBatchPayload, EachMessagePayload, KafkaMessage } from 'kafkajs'

// kafkajs without the network: a send only returns a promise. Per-message costs of instrumentation
// are too small to measure with a broker; plugin-throughput.ts measures with a real one.

const METADATA = [{ topicName: 'orders', partition: 0, errorCode: 0, baseOffset: '42' }]
// kafkajs calls this method to create a client's connections and metadata.
const CREATE_CLUSTER = Symbol('private:Kafka:createCluster')
const EVENTS = { REQUEST: 'request', COMMIT_OFFSETS: 'commit' }

/** A fresh module like `kafkajs` on each call, with a class to patch. */
export function fakeKafkaJS() {
  class Kafka {
    readonly [CREATE_CLUSTER] = () => ({ connectionPoolBuilder: { build: async () => ({ pool: [] }) } })

    producer() {
      this[CREATE_CLUSTER]()
      return {
        events: EVENTS,
        on: () => () => undefined,
        connect: async () => undefined,
        send: async () => METADATA,
        sendBatch: async () => METADATA,
        transaction: async () => ({}),
      }
    }

    consumer() {
      this[CREATE_CLUSTER]()
      let given: ConsumerRunConfig | undefined
      return {
        events: EVENTS,
        on: () => () => undefined,
        connect: async () => undefined,
        run: async (config: ConsumerRunConfig) => void (given = config),
        given: () => given!,
      }
    }
  }
  return { Kafka }
}

export type FakeConsumer = Consumer & { given(): ConsumerRunConfig }

const VALUE = Buffer.alloc(100, 'v')
const KEY = Buffer.from('order-12345678')

/** kafkajs's metadata of a record batch, attached to each of its messages. */
export interface RecordBatchContext {
  readonly firstOffset: string
}

/** A message as kafkajs delivers it, from a producer with or without sampling. */
export function delivered(
  i: number,
  isSampled: boolean,
  batchContext: RecordBatchContext = { firstOffset: String(i) },
): KafkaMessage {
  const traceparent = `00-${(i + 1).toString(16).padStart(32, '0')}-${(i + 1).toString(16).padStart(16, '0')}-0${Number(isSampled)}`
  return {
    key: KEY,
    value: VALUE,
    timestamp: String(Date.now()),
    attributes: 0,
    offset: String(i),
    headers: { traceparent: Buffer.from(traceparent) },
    batchContext,
  } as KafkaMessage
}

export function messagePayload(message: KafkaMessage): EachMessagePayload {
  return { topic: 'orders', partition: 0, message, heartbeat: async () => undefined, pause: () => () => undefined }
}

export function batchPayload(messages: KafkaMessage[]): EachBatchPayload {
  return { batch: { topic: 'orders', partition: 0, messages } } as unknown as EachBatchPayload
}
