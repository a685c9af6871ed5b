import { randomUUID } from 'node:crypto'
import type { EventEmitter } from 'node:events'
import type * as Confluent from '@confluentinc/kafka-javascript'
import { traceRdkafka } from '@spanlink/kafka'

/** The API that node-rdkafka and Confluent's module share. */
export type Rdkafka = Pick<
  typeof Confluent,
  'Producer' | 'HighLevelProducer' | 'KafkaConsumer' | 'createReadStream' | 'createWriteStream'
>
type Options = Parameters<typeof traceRdkafka>[1]

/** Makes traced clients, connected, and disconnects them when disposed. */
export class RdkafkaClients implements AsyncDisposable {
  readonly #brokers: string
  readonly #rdkafka: Rdkafka
  readonly #options: Options
  readonly #settings: object
  readonly #disconnects: (() => Promise<void>)[] = []

  constructor(rdkafka: Rdkafka, brokers: readonly string[], options?: Options, settings: object = {}) {
    this.#rdkafka = rdkafka
    this.#brokers = brokers.join()
    this.#options = options
    this.#settings = settings
  }

  get config() {
    return { 'metadata.broker.list': this.#brokers, 'client.id': 'suite', ...this.#settings }
  }

  async producer(config: object = {}): Promise<Confluent.Producer> {
    const producer = new this.#rdkafka.Producer({ ...this.config, ...config })
    await this.#connect(traceRdkafka(producer, this.#options))
    producer.setPollInterval(5)
    return producer
  }

  async highLevelProducer(): Promise<Confluent.HighLevelProducer> {
    const producer = new this.#rdkafka.HighLevelProducer(this.config)
    await this.#connect(traceRdkafka(producer, this.#options))
    return producer
  }

  /** Subscribed to `topics` from their beginning. */
  async consumer(...topics: string[]): Promise<Confluent.KafkaConsumer> {
    const consumer = new this.#rdkafka.KafkaConsumer(this.consumerConfig, { 'auto.offset.reset': 'earliest' })
    await this.#connect(traceRdkafka(consumer, this.#options))
    consumer.setDefaultConsumeTimeout(50)
    consumer.subscribe(topics)
    return consumer
  }

  get consumerConfig() {
    return { ...this.config, 'group.id': `g-${randomUUID()}`, 'enable.auto.commit': false }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#disconnects.map((disconnect) => disconnect()))
  }

  async #connect(client: Confluent.Producer | Confluent.KafkaConsumer): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      client.connect({}, (error) => (error ? reject(new Error(error.message)) : resolve()))
    })
    this.#disconnects.push(
      () =>
        new Promise<void>((resolve) => {
          if (!client.isConnected()) return resolve()
          client.disconnect(() => resolve())
        }),
    )
  }
}

/**
 * Polls until `count` messages were received; each batch goes to `handler` inside the poll's callback.
 */
export async function polled(
  consumer: Confluent.KafkaConsumer,
  count: number,
  handler: (messages: Confluent.Message[]) => void = () => {},
): Promise<Confluent.Message[]> {
  const all: Confluent.Message[] = []
  return await new Promise((resolve, reject) => {
    const poll = (): void =>
      consumer.consume(100, (error, messages) => {
        if (error) return reject(new Error(error.message))
        if (messages.length > 0) handler(messages)
        all.push(...messages)
        if (all.length >= count) resolve(all)
        else poll()
      })
    poll()
  })
}

export async function once(emitter: EventEmitter | Confluent.Client<never>, event: string): Promise<unknown[]> {
  return await new Promise((resolve) => (emitter as EventEmitter).once(event, (...args) => resolve(args)))
}
