import { context, diag, trace } from '@opentelemetry/api'
import { traceKafkaJS } from '@spanlink/kafka'
import kafkajs from 'kafkajs'
import type { Consumer, ConsumerRunConfig, Kafka as KafkaType, Producer, ProducerRecord } from 'kafkajs'
import { expect, test, vi } from 'vitest'
import { useRecordedSpans } from './support/recorded-spans.ts'

// The documented behaviour of kafkajs, with tracing as without. No test connects to a broker.

const { Kafka, Partitioners, logLevel } = kafkajs
const spans = useRecordedSpans()

const newKafka = (): KafkaType => new Kafka({ brokers: ['127.0.0.1:1'], logLevel: logLevel.NOTHING })
const newProducer = (kafka: KafkaType): Producer =>
  kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })

const invalidRecords: [string, unknown][] = [
  ['a record without messages', { topic: 'orders' }],
  ['a record without a topic', { messages: [{ value: 'v' }] }],
  ['a record with an empty topic', { topic: '', messages: [{ value: 'v' }] }],
  ['a message without a value', { topic: 'orders', messages: [{ key: 'k', headers: { a: 'b' } }] }],
  ['a message that is null', { topic: 'orders', messages: [null] }],
  ['messages that are not an array', { topic: 'orders', messages: 'text' }],
  ['an undefined record', undefined],
  ['a record on a producer that is not connected', { topic: 'orders', messages: [{ value: 'v' }] }],
]

test.each(invalidRecords)('send rejects %s with the same error as without tracing', async (_name, record) => {
  const errors: unknown[] = []
  for (const kafka of [newKafka(), traceKafkaJS(newKafka())]) {
    // kafkajs rejects; it does not throw.
    const sent = newProducer(kafka).send(record as ProducerRecord)
    errors.push(
      await sent.then(
        () => 'sent',
        ({ name, message }: Error) => `${name}: ${message}`,
      ),
    )
  }
  expect(errors[0]).not.toBe('sent')
  expect(errors[1]).toBe(errors[0])
})

test('a rejected send ends its spans with the error', async () => {
  const producer = newProducer(traceKafkaJS(newKafka()))
  const topicMessages = [
    { topic: 'orders', messages: [{ value: 'v' }] },
    { topic: 'events', messages: [{ value: 'v' }] },
  ]
  await expect(producer.sendBatch({ topicMessages })).rejects.toThrow('The producer is disconnected')
  expect(spans.all().map((span) => [span.name, span.status.code, span.attributes['error.type']])).toEqual([
    ['send orders', 2, 'KafkaJSError'],
    ['send events', 2, 'KafkaJSError'],
  ])
})

test('a traced Kafka is the same instance, with methods replaced on it and not on the prototype', () => {
  const kafka = newKafka()
  expect(traceKafkaJS(kafka)).toBe(kafka)
  expect(kafka).toBeInstanceOf(Kafka)
  expect(Object.hasOwn(kafka, 'producer')).toBe(true)
  expect(Object.hasOwn(newKafka(), 'producer')).toBe(false)
  expect(Kafka.prototype.producer.toString()).not.toContain('traceProducer')
})

test('a frozen Kafka instance is returned untraced', () => {
  const kafka = Object.freeze(newKafka())
  expect(traceKafkaJS(kafka)).toBe(kafka)
  expect(Object.hasOwn(kafka, 'producer')).toBe(false)
})

test('a consumer config is not modified, and its frozen and inherited values are kept', async () => {
  const kafka = newKafka()
  const given: ConsumerRunConfig[] = []
  kafka.consumer = (() => ({
    events: {},
    on: () => () => undefined,
    run: async (config: ConsumerRunConfig) => void given.push(config),
  })) as unknown as () => Consumer
  const consumer = traceKafkaJS(kafka, { clientId: 'c' }).consumer({ groupId: 'g' })
  class Handlers {
    readonly autoCommit = false
    async eachMessage(): Promise<void> {}
  }
  const config = Object.freeze(new Handlers())
  await consumer.run(config)
  const { eachMessage, eachBatch, autoCommit } = given[0]!
  expect(autoCommit).toBe(false)
  expect(eachBatch).toBeUndefined()
  expect(eachMessage).not.toBe(config.eachMessage)
  expect(Object.keys(config)).toEqual(['autoCommit'])
})

test('a span that was active when run was called is not the parent of later messages', async () => {
  const kafka = newKafka()
  let run: ConsumerRunConfig | undefined
  kafka.consumer = (() => ({
    events: {},
    on: () => () => undefined,
    run: async (config: ConsumerRunConfig) => void (run = config),
  })) as unknown as () => Consumer
  const consumer = traceKafkaJS(kafka, { clientId: 'c' }).consumer({ groupId: 'g' })
  const startup = trace.getTracer('test').startSpan('startup')
  await context.with(trace.setSpan(context.active(), startup), async () => {
    await consumer.run({ eachMessage: async () => undefined })
    await run?.eachMessage?.({ topic: 'orders', partition: 0, message: { offset: '0' } } as never)
  })
  expect(spans.only('process orders').parentSpanContext).toBeUndefined()
})

test('a Kafka that is already traced, or wrapped by another instrumentation, logs one warning and is not traced again', () => {
  const warn = vi.fn()
  const silent = (): void => undefined
  diag.setLogger({ warn, error: silent, info: silent, debug: silent, verbose: silent })
  const kafka = traceKafkaJS(newKafka())
  const { producer } = kafka
  traceKafkaJS(kafka)
  traceKafkaJS(kafka)
  expect(kafka.producer).toBe(producer)
  const wrapped = newKafka()
  wrapped.producer = Object.assign(wrapped.producer.bind(wrapped), { __wrapped: true })
  traceKafkaJS(wrapped)
  diag.disable()
  const warnings = warn.mock.calls.flat().filter((text) => /twice|another instrumentation/.test(String(text)))
  expect(warnings).toHaveLength(2)
})
