import type { Consumer, ConsumerRunConfig, EachBatchPayload, EachMessagePayload, KafkaMessage } from 'kafkajs'

// kafkajs without the network: what is left of a send is the promise. Per-message costs of
// instrumentation are too small to be seen beside a broker; the run against a real one is apart
// (plugin-throughput.ts).

const METADATA = [{ topicName: 'orders', partition: 0, errorCode: 0, baseOffset: '42' }]
// By this name kafkajs makes what holds a client's connections and metadata.
const CREATE_CLUSTER = Symbol('private:Kafka:createCluster')
const EVENTS = { REQUEST: 'request', COMMIT_OFFSETS: 'commit' }

/** A module like `kafkajs`, with a class to be patched, fresh at each call. */
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

/** What kafkajs tells of a batch on disk, with each message of it. */
export interface RecordBatchContext {
  readonly firstOffset: string
}

/** A message as kafkajs delivers it, from a producer that did or didn't sample. */
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
