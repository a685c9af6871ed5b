import { randomUUID } from 'node:crypto'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  InMemorySpanExporter,
  ParentBasedSampler,
  SimpleSpanProcessor,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import type { Sampler } from '@opentelemetry/sdk-trace'
import { processMessage, traceKafkaJS } from '@spanlink/kafka'
import { LinkedSampler } from '@spanlink/kafka/sampler'
import { useKafka } from '@spanlink/testkit/vitest'
import kafkajs from 'kafkajs'
import type { ConsumerRunConfig, Kafka as KafkaType } from 'kafkajs'
import { expect, test } from 'vitest'
import { useRecordedSpans } from './support/recorded-spans.ts'

// Configurations A and B of docs/kafka/sampling.md, on a real broker. Trace ids are random:
// of 300 flows at 10 %, none is recorded with a probability of 0.9^300 (2e-14).

const FLOWS = 300
const { Kafka, Partitioners, logLevel } = kafkajs
const kafka = useKafka()
useRecordedSpans() // registers context manager and propagator; the providers below are each test's own

const ratio = () => new TraceIdRatioBasedSampler(0.1)
const configurationA = () => new ParentBasedSampler({ root: new LinkedSampler({ root: ratio() }) })
const configurationB = () =>
  new ParentBasedSampler({
    root: new LinkedSampler({ root: ratio() }),
    localParentSampled: new LinkedSampler({ root: new AlwaysOnSampler() }),
    localParentNotSampled: new LinkedSampler({ root: new AlwaysOffSampler() }),
  })

test('a flow over two topics is recorded whole or not at all with ParentBased(LinkedSampler)', async () => {
  const kept = await twoHops(configurationA())
  expect(new Set(kept.values())).toEqual(new Set([4]))
  expect(kept.size).toBeGreaterThan(0)
  expect(kept.size).toBeLessThan(FLOWS)
})

test('a flow over two topics is recorded partially with ParentBased(TraceIdRatioBased)', async () => {
  // One flow is recorded whole or not at all with 0.01 + 0.81 a hop; all of them with 0.82^300.
  const kept = await twoHops(new ParentBasedSampler({ root: ratio() }))
  expect([...kept.values()].some((spans) => spans < 4)).toBe(true)
})

test('each message of a batch is recorded whole or not at all in configuration B', async () => {
  const services = startServices(configurationB())
  const topic = await newTopic()
  await services.sendAll(topic)
  await services.consume(topic, (done) => ({
    eachBatch: async ({ batch }) => {
      for (const message of batch.messages) await processMessage(message, async () => undefined)
      batch.messages.forEach(done)
    },
  }))
  const kept = await services.stop()
  expect(new Set(kept.values())).toEqual(new Set([2]))
  expect(kept.size).toBeGreaterThan(0)
  expect(kept.size).toBeLessThan(FLOWS)
})

/**
 * Sends FLOWS messages to one topic and forwards each to another. Four spans have its key.
 */
async function twoHops(sampler: Sampler): Promise<ReadonlyMap<string, number>> {
  const services = startServices(sampler)
  const [orders, payments] = [await newTopic(), await newTopic()]
  const forwarder = await services.newProducer()
  await services.sendAll(orders)
  await services.consume(orders, (done) => ({
    eachMessage: async ({ message: { key, value } }) => {
      await forwarder.send({ topic: payments, messages: [{ key, value }] })
      done()
    },
  }))
  await services.consume(payments, (done) => ({ eachMessage: async () => done() }))
  return services.stop()
}

interface Services {
  newProducer(): Promise<ReturnType<KafkaType['producer']>>
  /** Sends the first message of each flow in its own call and trace. */
  sendAll(topic: string): Promise<void>
  /**
   * Consumes until `done` was called for each flow, then leaves the group.
   */
  consume(topic: string, handlers: (done: () => void) => ConsumerRunConfig): Promise<void>
  /** @returns the number of recorded spans by flow, without flows that have none */
  stop(): Promise<ReadonlyMap<string, number>>
}

function startServices(sampler: Sampler): Services {
  const exporter = new InMemorySpanExporter()
  const tracerProvider = new TracerProvider({ sampler, spanProcessors: [new SimpleSpanProcessor({ exporter })] })
  const client = traceKafkaJS(
    new Kafka({ brokers: kafka().brokers, clientId: 'sampling', logLevel: logLevel.NOTHING }),
    { tracerProvider },
  )
  const producers: ReturnType<KafkaType['producer']>[] = []
  const newProducer: Services['newProducer'] = async () => {
    const producer = client.producer({ createPartitioner: Partitioners.DefaultPartitioner })
    producers.push(producer)
    await producer.connect()
    return producer
  }
  return {
    newProducer,
    async sendAll(topic) {
      const producer = await newProducer()
      const keys = Array.from({ length: FLOWS }, (_, i) => `flow ${i}`)
      await Promise.all(keys.map((key) => producer.send({ topic, messages: [{ key, value: 'v' }] })))
    },
    async consume(topic, handlers) {
      const consumer = client.consumer({ groupId: `group of ${topic}`, maxWaitTimeInMs: 50 })
      const { promise, resolve } = Promise.withResolvers<void>()
      let left = FLOWS
      await consumer.connect()
      await consumer.subscribe({ topics: [topic], fromBeginning: true })
      await consumer.run(
        handlers(() => {
          left -= 1
          if (left === 0) resolve()
        }),
      )
      await promise
      await consumer.disconnect()
    },
    async stop() {
      await Promise.all(producers.map((producer) => producer.disconnect()))
      await tracerProvider.forceFlush()
      const kept = new Map<string, number>()
      for (const { attributes } of exporter.getFinishedSpans()) {
        const key = attributes['kafka.message.key']
        if (typeof key === 'string') kept.set(key, (kept.get(key) ?? 0) + 1)
      }
      return kept
    },
  }
}

async function newTopic(): Promise<string> {
  const topic = `t-${randomUUID()}`
  await kafka().createTopic(topic, { partitions: 1 })
  return topic
}
