import { randomUUID } from 'node:crypto'
import { diag } from '@opentelemetry/api'
import { traceKafkaJS } from '@spanlink/kafka'
import { useKafka } from '@spanlink/testkit/vitest'
import fc from 'fast-check'
import kafkajs from 'kafkajs'
import type {
  Consumer,
  ConsumerRunConfig,
  EachBatchPayload,
  EachMessagePayload,
  Kafka as KafkaType,
  KafkaMessage,
  Message,
  Producer,
  ProducerRecord,
} from 'kafkajs'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { collectedMetrics } from './support/collected-metrics.ts'
import { idOf, useRecordedSpans } from './support/recorded-spans.ts'

const { Kafka, Partitioners, logLevel } = kafkajs
const spans = useRecordedSpans()
const failures = vi.fn()
const silent = (): void => undefined
diag.setLogger({ error: failures, warn: silent, info: silent, debug: silent, verbose: silent })
afterEach(() => failures.mockClear())

// Any header value, on the wire or passed by mistake.
const text = fc.oneof(
  fc.string(),
  fc.constantFrom(
    '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    '00-00000000000000000000000000000000-0000000000000000-01',
    'ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    '00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01',
    'x'.repeat(20_000),
  ),
)
const single = fc.oneof(
  text,
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  text.map((value) => Buffer.from(value)),
)
const anyValue = fc.oneof(single, fc.array(single), fc.constantFrom(null, undefined), fc.anything())
const name = fc.oneof(fc.constantFrom('traceparent', 'TraceParent', 'tracestate', 'baggage', 'Baggage'), fc.string())
const record = (value: fc.Arbitrary<unknown>) => fc.dictionary(name, value, { maxKeys: 6 })
const headers = fc.oneof(record(anyValue), fc.constantFrom(null, undefined), fc.anything())
const someBytes = fc.oneof(
  fc.constant(null),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
)

describe('traced kafkajs consumer with any input', () => {
  const message = fc.record({
    key: someBytes,
    value: someBytes,
    offset: fc.oneof(fc.string(), fc.nat().map(String)),
    headers,
  })

  test('any header, key and offset reaches eachMessage unchanged, in a process span', async () => {
    await fc.assert(
      fc.asyncProperty(message, async (given) => {
        const seen: unknown[] = []
        const { eachMessage } = await handlersOf({ eachMessage: async (payload) => void seen.push(payload) })
        const payload = { topic: 'orders', partition: 0, message: given } as unknown as EachMessagePayload
        await eachMessage!(payload)
        expect(seen).toEqual([payload])
        expect((seen[0] as EachMessagePayload).message).toBe(given)
      }),
    )
    expect(failures).not.toHaveBeenCalled()
    expect(spans.named('process orders')).toHaveLength(100)
  })

  test('any batch reaches eachBatch unchanged', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(message, { maxLength: 5 }), async (given) => {
        const seen: EachBatchPayload[] = []
        const { eachBatch } = await handlersOf({ eachBatch: async (payload) => void seen.push(payload) })
        const batch = { topic: 'orders', partition: 0, messages: given }
        await eachBatch!({ batch } as unknown as EachBatchPayload)
        expect(seen).toHaveLength(1)
        expect(seen[0]!.batch).toBe(batch)
      }),
    )
    expect(failures).not.toHaveBeenCalled()
  })
})

describe('traced kafkajs producer with any input', () => {
  test('no application header is lost or changed, and the record is not modified', async () => {
    await fc.assert(
      fc.asyncProperty(record(anyValue), async (given) => {
        const { producer, sent } = recordingProducer()
        const message = Object.freeze({ value: 'v', headers: Object.freeze(given) }) as Message
        await producer.send(Object.freeze({ topic: 'orders', messages: Object.freeze([message]) as Message[] }))
        const { traceparent: _context, ...kept } = sent[0]!.messages[0]!.headers ?? {}
        const applicationHeaders = Object.entries(given).filter(([key]) => !isPropagated(key))
        for (const [key, value] of applicationHeaders) expect(Object.is(kept[key], value)).toBe(true)
      }),
    )
    expect(failures).not.toHaveBeenCalled()
  })

  test('one message object sent several times in one call gets its own context for each record', async () => {
    const { producer, sent } = recordingProducer()
    const shared = Object.freeze({ app: 'x' })
    const message: Message = Object.freeze({ value: 'v', headers: shared })
    await producer.sendBatch({
      topicMessages: [
        { topic: 'orders', messages: [message, message, { value: 'w', headers: shared }] },
        { topic: 'events', messages: [message] },
      ],
    })
    const written = sent.flatMap(({ messages }) => messages.map((one) => one.headers!))
    expect(written.map(({ app }) => app)).toEqual(['x', 'x', 'x', 'x'])
    const created = [...spans.named('create orders'), ...spans.named('send events')].map(idOf)
    expect(written.map(({ traceparent }) => String(traceparent).slice(3, 52))).toEqual(created)
    expect(shared).toEqual({ app: 'x' })
  })
})

describe('traced kafkajs handlers', () => {
  const errors: [string, unknown][] = [
    ['an error', new Error('x')],
    ['a cancellation', new DOMException('stop', 'AbortError')],
    ['a frozen error', Object.freeze(new Error('x'))],
    ['an error whose cause is itself', selfCaused()],
    ['an error with throwing accessors', hostileError()],
    ['undefined', undefined],
    ['a promise-like string', 'then'],
  ]
  const payload = { topic: 'orders', partition: 0, message: { offset: '1' } } as unknown as EachMessagePayload

  test.each(errors)('that throw %s, at once or later, end their span and rethrow it', async (_name, error) => {
    for (const eachMessage of [
      () => {
        throw error
      },
      () => Promise.reject(error),
    ]) {
      const handlers = await handlersOf({ eachMessage })
      let caught: unknown = 'nothing'
      try {
        await handlers.eachMessage!(payload)
      } catch (thrown) {
        caught = thrown
      }
      expect(Object.is(caught, error)).toBe(true)
    }
    expect(spans.named('process orders').map((span) => span.status.code)).toEqual([2, 2])
  })

  test('handlers that return a thenable are awaited', async () => {
    // oxlint-disable-next-line unicorn/no-thenable
    const { eachMessage } = await handlersOf({ eachMessage: () => ({ then: (done: () => void) => done() }) as never })
    await eachMessage!(payload)
    expect(spans.named('process orders')).toHaveLength(1)
  })
})

describe('kafkajs on a real broker', () => {
  const kafka = useKafka()

  async function newTopic(client: KafkaType): Promise<string> {
    const topic = `t-${randomUUID()}`
    const admin = client.admin()
    await admin.connect()
    const configEntries = [{ name: 'max.message.bytes', value: String(8 * 2 ** 20) }]
    await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: 1, configEntries }] })
    await admin.disconnect()
    return topic
  }

  test('headers of 1 MiB, 1,000 headers, repeated, binary and malformed ones arrive unchanged, and no message is lost', async () => {
    const client = traceKafkaJS(new Kafka({ brokers: kafka().brokers, logLevel: logLevel.NOTHING }))
    const topic = await newTopic(client)
    const thousand = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`h${i}`, String(i)]))
    const cases: Message['headers'][] = [
      { big: Buffer.alloc(2 ** 20, 'x') },
      thousand,
      { app: ['a', Buffer.from([0, 255]), ''] },
      { bytes: Buffer.from([0, 159, 146, 150]), empty: '' },
      { traceparent: 'garbage', tracestate: '\u0000' },
      { traceparent: Buffer.from([255, 254]) },
      { TRACEPARENT: ['a', 'b'], app: 'x' },
      {},
      undefined,
    ]
    const producer = client.producer({ createPartitioner: Partitioners.DefaultPartitioner })
    await producer.connect()
    for (const given of cases) await producer.send({ topic, messages: [{ value: 'v', headers: given }] })
    await producer.disconnect()
    const received: KafkaMessage[] = []
    const consumer = client.consumer({ groupId: `g-${topic}`, maxWaitTimeInMs: 50, maxBytesPerPartition: 8 * 2 ** 20 })
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    const { promise, resolve } = Promise.withResolvers<void>()
    await consumer.run({
      eachMessage: async ({ message }) => {
        received.push(message)
        if (received.length === cases.length) resolve()
      },
    })
    await promise
    await consumer.disconnect()
    expect(received.map((message) => ownHeaders(message.headers))).toEqual(
      cases.map((given) => ownHeaders(asDelivered(given))),
    )
    const sent = spans.named(`send ${topic}`)
    expect(spans.named(`process ${topic}`).map((span) => span.links.map((link) => idOf(link.context)))).toEqual(
      sent.map((span) => [idOf(span)]),
    )
    expect(failures).not.toHaveBeenCalled()
  })

  test('a handler that never settles has no ended span, and its messages count as lag and as buffered', async () => {
    await using collected = collectedMetrics()
    const client = traceKafkaJS(new Kafka({ brokers: kafka().brokers, logLevel: logLevel.NOTHING }), {
      meterProvider: collected.provider,
    })
    const topic = await newTopic(client)
    const producer = client.producer({ createPartitioner: Partitioners.DefaultPartitioner })
    await producer.connect()
    await producer.send({ topic, messages: [{ value: '1' }, { value: '2' }] })
    await producer.disconnect()
    const consumer = client.consumer({ groupId: `g-${topic}`, maxWaitTimeInMs: 50 })
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    const stuck = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<void>()
    await consumer.run({
      eachMessage: () => {
        begun.resolve()
        return stuck.promise
      },
    })
    await begun.promise
    const found = await collected.collect()
    expect(spans.named(`process ${topic}`)).toEqual([])
    expect(found.get('kafka.consumer.buffered.messages')?.points[0]?.value).toBe(2)
    expect(found.get('kafka.consumer.lag')?.points[0]?.value).toBe(2)
    expect(found.get('messaging.client.consumed.messages')?.points[0]?.value).toBe(1)
    stuck.resolve()
    await consumer.disconnect()
    expect(spans.named(`process ${topic}`).length).toBeGreaterThan(0)
  })
})

/** The handlers that a traced consumer passes to kafkajs; run() stops there. */
async function handlersOf(config: ConsumerRunConfig): Promise<ConsumerRunConfig> {
  const kafka = offline()
  let given: ConsumerRunConfig = {}
  kafka.consumer = (() => ({
    events: {},
    on: () => () => undefined,
    run: async (run: ConsumerRunConfig) => void (given = run),
  })) as unknown as () => Consumer
  await traceKafkaJS(kafka, { clientId: 'c' }).consumer({ groupId: 'g' }).run(config)
  return given
}

/** A traced producer, and the records that it passes to kafkajs. */
function recordingProducer(): { readonly producer: Producer; readonly sent: ProducerRecord[] } {
  const kafka = offline()
  const sent: ProducerRecord[] = []
  kafka.producer = (() => ({
    events: {},
    on: () => () => undefined,
    send: async (one: ProducerRecord) => {
      sent.push(one)
      return []
    },
    sendBatch: async ({ topicMessages }: { topicMessages: ProducerRecord[] }) => {
      sent.push(...topicMessages)
      return []
    },
  })) as unknown as () => Producer
  return { producer: traceKafkaJS(kafka, { clientId: 'c' }).producer(), sent }
}

function offline(): KafkaType {
  return new Kafka({ brokers: ['127.0.0.1:1'], logLevel: logLevel.NOTHING })
}

function isPropagated(key: string): boolean {
  return ['traceparent', 'tracestate', 'baggage'].includes(key.toLowerCase())
}

function ownHeaders(given: Message['headers']): Record<string, unknown> {
  return Object.fromEntries(Object.entries(given ?? {}).filter(([key]) => !isPropagated(key)))
}

// kafkajs delivers bytes, and an array only for a repeated header.
function asDelivered(given: Message['headers']): Message['headers'] {
  const bytes = (value: unknown): unknown => (Array.isArray(value) ? value.map(bytes) : Buffer.from(value as string))
  return Object.fromEntries(
    Object.entries(given ?? {}).map(([key, value]) => [key, bytes(value)]),
  ) as Message['headers']
}

function selfCaused(): Error {
  const error = new Error('x')
  error.cause = error
  return error
}

function hostileError(): Error {
  return Object.defineProperties(new Error('x'), {
    type: {
      get() {
        throw new Error('type')
      },
    },
    message: {
      get() {
        throw new Error('message')
      },
    },
  })
}
