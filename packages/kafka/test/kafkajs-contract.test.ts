import { context, diag, trace } from '@opentelemetry/api'
import { traceKafkaJS } from '@spanlink/kafka'
import kafkajs from 'kafkajs'
import type { Consumer, ConsumerRunConfig, Kafka as KafkaType, Producer, ProducerRecord } from 'kafkajs'
import { expect, test, vi } from 'vitest'
import { useRecordedSpans } from './support/recorded-spans.ts'

// What kafkajs promises must hold with tracing as without. No broker is needed: nothing here gets
// as far.

const { Kafka, Partitioners, logLevel } = kafkajs
const spans = useRecordedSpans()

const newKafka = (): KafkaType => new Kafka({ brokers: ['127.0.0.1:1'], logLevel: logLevel.NOTHING })
const newProducer = (kafka: KafkaType): Producer =>
  kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })

const refused: [string, unknown][] = [
  ['no messages', { topic: 'orders' }],
  ['no topic', { messages: [{ value: 'v' }] }],
  ['an empty topic', { topic: '', messages: [{ value: 'v' }] }],
  ['a message without a value', { topic: 'orders', messages: [{ key: 'k', headers: { a: 'b' } }] }],
  ['a message that is null', { topic: 'orders', messages: [null] }],
  ['messages that are no array', { topic: 'orders', messages: 'text' }],
  ['nothing', undefined],
  ['a producer that is not connected', { topic: 'orders', messages: [{ value: 'v' }] }],
]

test.each(refused)('send refuses %s with the error that kafkajs has for it', async (_name, record) => {
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

test('a refused send ends its spans, with the error', async () => {
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

test('the objects are kafkajs’s own, with methods replaced on the instance and nowhere else', () => {
  const kafka = newKafka()
  expect(traceKafkaJS(kafka)).toBe(kafka)
  expect(kafka).toBeInstanceOf(Kafka)
  expect(Object.hasOwn(kafka, 'producer')).toBe(true)
  expect(Object.hasOwn(newKafka(), 'producer')).toBe(false)
  expect(Kafka.prototype.producer.toString()).not.toContain('traceProducer')
})

test('a frozen Kafka instance stays as it is', () => {
  const kafka = Object.freeze(newKafka())
  expect(traceKafkaJS(kafka)).toBe(kafka)
  expect(Object.hasOwn(kafka, 'producer')).toBe(false)
})

test('configurations are neither changed nor copied away: frozen and inherited values count', async () => {
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

test('a span that was active when run was called is no parent of later messages', async () => {
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

test('tracing twice, or beside another instrumentation, is said once and done once', () => {
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
