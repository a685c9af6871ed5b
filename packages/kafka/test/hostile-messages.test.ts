import { randomUUID } from 'node:crypto'
import { traceConfluent, traceKafkaJS, tracePlatformatic, traceRdkafka } from '@spanlink/kafka'
import { Producer as PlatformaticProducer } from '@platformatic/kafka'
import { useKafka } from '@spanlink/testkit/vitest'
import kafkajs from 'kafkajs'
import { describe, expect, test } from 'vitest'
import { nativeClient } from './support/native-client.ts'
import { useRecordedSpans } from './support/recorded-spans.ts'
import type { Rdkafka } from './behaviour/rdkafka-clients.ts'

const kafka = useKafka()
useRecordedSpans()

/**
 * Valid and invalid messages; tracing must not change how a client handles any of them.
 */
const MESSAGES: Readonly<Record<string, () => unknown>> = {
  frozen: () => Object.freeze({ value: 'v', headers: Object.freeze({ a: Object.freeze(['1', '2']) }) }),
  'with headers null': () => ({ value: 'v', headers: null }),
  'with an empty list of headers': () => ({ value: 'v', headers: [] }),
  'with a list of headers': () => ({ value: 'v', headers: [{ a: '1' }] }),
  'with a Map of headers': () => ({ value: 'v', headers: new Map([['a', '1']]) }),
  'with text for headers': () => ({ value: 'v', headers: 'text' }),
  'with bytes for headers': () => ({ value: 'v', headers: Buffer.from('bytes') }),
  'with a number for headers': () => ({ value: 'v', headers: 5 }),
  'with a header null': () => ({ value: 'v', headers: { a: null } }),
  'with a header undefined': () => ({ value: 'v', headers: { a: undefined } }),
  'with a header that is a number': () => ({ value: 'v', headers: { a: 5 } }),
  'with a header that is an object': () => ({ value: 'v', headers: { a: {} } }),
  'with a header that is an empty list': () => ({ value: 'v', headers: { a: [] } }),
  'with a header named __proto__': () => ({ value: 'v', headers: JSON.parse('{"__proto__":"1"}') as object }),
  'with headers without a prototype': () => ({ value: 'v', headers: Object.assign(Object.create(null), { a: '1' }) }),
  'without a prototype': () => Object.assign(Object.create(null), { value: 'v' }),
  'with a Proxy for headers': () => ({ value: 'v', headers: new Proxy({ a: '1' }, {}) }),
  'with a revoked Proxy for headers': () => ({ value: 'v', headers: revoked() }),
  'that is a Proxy': () => new Proxy({ value: 'v' }, {}),
  'whose value cannot be read': () => unreadable({}, 'value'),
  'whose key cannot be read': () => unreadable({ value: 'v' }, 'key'),
  'whose headers cannot be read': () => unreadable({ value: 'v' }, 'headers'),
  'with a header that cannot be read': () => ({ value: 'v', headers: unreadable({}, 'a') }),
  'with a key that is a number': () => ({ key: 7, value: 'v' }),
  'with a key that is an object': () => ({ key: {}, value: 'v' }),
  'with a value that is a number': () => ({ value: 7 }),
  'with a value that is an object': () => ({ value: {} }),
  'without a value': () => ({}),
  null: () => null,
  text: () => 'text',
  'of a partition that does not exist': () => ({ value: 'v', partition: 99 }),
  'with a tracestate of 600 characters': () => ({
    value: 'v',
    headers: { TraceParent: TRACEPARENT, tracestate: `a=${'x'.repeat(598)}` },
  }),
  'with several traceparents': () => ({ value: 'v', headers: { traceparent: [TRACEPARENT, 'x'], TraceParent: 'y' } }),
}

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

function unreadable(target: object, name: string): object {
  return Object.defineProperty(target, name, {
    enumerable: true,
    get() {
      throw new Error(`${name} is unreadable`)
    },
  })
}

type Send = (topic: string, messages: unknown) => unknown
/** The names of messages to leave out. */
type Except = (name: string) => boolean
type Outcomes = Record<string, string>

async function outcomeOf(send: Send, topic: string, messages: unknown): Promise<string> {
  let sent: unknown
  try {
    sent = send(topic, messages)
  } catch (error) {
    return `threw ${String(error)}`
  }
  try {
    await sent
    return 'sent'
  } catch (error) {
    return `rejected ${String(error)}`
  }
}

/** Sends each message by both clients, alone and in a bulk. @returns the outcomes by client */
async function outcomesOf(
  plain: Send,
  traced: Send,
  except: Except = () => false,
): Promise<{ readonly plain: Outcomes; readonly traced: Outcomes }> {
  const topic = `t-${randomUUID()}`
  await kafka().createTopic(topic)
  const outcomes = { plain: {} as Outcomes, traced: {} as Outcomes }
  for (const [name, make] of Object.entries(MESSAGES)) {
    if (except(name)) continue
    for (const [shape, list] of Object.entries({
      alone: () => [make()],
      'beside another': () => [{ value: 'other' }, make()],
    })) {
      outcomes.plain[`${name}, ${shape}`] = await outcomeOf(plain, topic, list())
      outcomes.traced[`${name}, ${shape}`] = await outcomeOf(traced, topic, list())
    }
  }
  return outcomes
}

test('kafkajs sends or rejects any message as without tracing', { timeout: 120_000 }, async () => {
  const { Kafka, Partitioners, logLevel } = kafkajs
  const newProducer = async (wrap: (one: InstanceType<typeof Kafka>) => InstanceType<typeof Kafka>) => {
    const producer = wrap(
      new Kafka({ brokers: kafka().brokers, logLevel: logLevel.NOTHING, retry: { retries: 1, initialRetryTime: 5 } }),
    ).producer({ createPartitioner: Partitioners.DefaultPartitioner })
    await producer.connect()
    return producer
  }
  const [plain, traced] = [await newProducer((one) => one), await newProducer((one) => traceKafkaJS(one))]
  const sends = await outcomesOf(
    (topic, messages) => plain.send({ topic, messages: messages as never }),
    (topic, messages) => traced.send({ topic, messages: messages as never }),
  )
  expect(sends.traced).toEqual(sends.plain)
  const batches = await outcomesOf(
    (topic, messages) => plain.sendBatch({ topicMessages: [{ topic, messages: messages as never }] }),
    (topic, messages) => traced.sendBatch({ topicMessages: [{ topic, messages: messages as never }] }),
  )
  expect(batches.traced).toEqual(batches.plain)
  await Promise.all([plain.disconnect(), traced.disconnect()])
})

test('@platformatic/kafka sends or rejects any message as without tracing', { timeout: 120_000 }, async () => {
  const producer = new PlatformaticProducer({
    clientId: 'p',
    bootstrapBrokers: kafka().brokers,
    retries: 0,
    serializers: { key: bytes, value: bytes, headerKey: bytes, headerValue: bytes } as never,
  })
  const send: Send = (topic, messages) =>
    producer.send({ messages: (messages as object[]).map((one) => withTopic(one, topic)) as never })
  const sends = await outcomesOf(send, (topic, messages) => {
    const tracing = tracePlatformatic()
    let sent: Promise<unknown>
    try {
      sent = send(topic, messages) as Promise<unknown>
    } catch (error) {
      tracing.disable()
      throw error
    }
    return sent.finally(() => tracing.disable())
  })
  expect(sends.traced).toEqual(sends.plain)
  await producer.close()
})

function bytes(data: unknown): Buffer | undefined {
  return data === undefined || data === null ? undefined : Buffer.from(data as string)
}

function withTopic(message: unknown, topic: string): unknown {
  if (typeof message !== 'object' || message === null) return message
  if (!Object.isExtensible(message)) return Object.freeze({ ...message, topic })
  return Object.defineProperty(message, 'topic', { value: topic, enumerable: true })
}

const confluent = nativeClient<typeof import('@confluentinc/kafka-javascript')>('@confluentinc/kafka-javascript')

describe.skipIf(confluent.isMissing)('@confluentinc/kafka-javascript', () => {
  test('the KafkaJS API sends or rejects any message as without tracing', { timeout: 120_000 }, async () => {
    const { Kafka, logLevel } = confluent.client.KafkaJS
    const newProducer = async (wrap: (one: InstanceType<typeof Kafka>) => InstanceType<typeof Kafka>) => {
      const producer = wrap(new Kafka({ kafkaJS: { brokers: kafka().brokers, logLevel: logLevel.NOTHING } })).producer({
        'message.timeout.ms': 2000,
      })
      await producer.connect()
      return producer
    }
    const [plain, traced] = [await newProducer((one) => one), await newProducer((one) => traceConfluent(one))]
    const sends = await outcomesOf(
      (topic, messages) => plain.send({ topic, messages: messages as never }),
      (topic, messages) => traced.send({ topic, messages: messages as never }),
      // The client modifies untraced messages, and tracing passes copies. With an invalid header it
      // sends the record, then may or may not throw.
      (name) =>
        name === 'frozen' ||
        /with a header (null|undefined|named|that is a number|that is an object)|with a list of headers/.test(name),
    )
    expect(sends.traced).toEqual(sends.plain)
    await Promise.all([plain.disconnect(), traced.disconnect()])
  })
})

const rdkafka = nativeClient<Rdkafka>('node-rdkafka')

describe.skipIf(rdkafka.isMissing)('node-rdkafka', () => {
  test('Producer sends or rejects any message as without tracing', { timeout: 120_000 }, async () => {
    const newProducer = async (wrap: <T extends object>(one: T) => T) => {
      const producer = wrap(
        new rdkafka.client.Producer({ 'metadata.broker.list': kafka().brokers.join(), 'message.timeout.ms': 2000 }),
      )
      await new Promise((resolve) => producer.connect({}, resolve))
      return producer
    }
    const [plain, traced] = [await newProducer((one) => one), await newProducer((one) => traceRdkafka(one))]
    const produce =
      (producer: typeof plain): Send =>
      (topic, messages) => {
        const message = (messages as { value: unknown; key: unknown; headers: unknown; partition: number }[]).at(-1)!
        return producer.produce(
          topic,
          message.partition ?? null,
          (typeof message.value === 'string' ? Buffer.from(message.value) : message.value) as never,
          message.key as never,
          undefined as never,
          undefined,
          message.headers as never,
        )
      }
    // Invalid headers crash the process, traced or not. An unknown partition is an error only once
    // the client has the topic's metadata.
    const headers = /headers null|list of headers|without a value|partition|key|value/
    const sends = await outcomesOf(
      produce(plain),
      produce(traced),
      (name) => !headers.test(name) || /read|object|partition/.test(name),
    )
    expect(sends.traced).toEqual(sends.plain)
    await Promise.all([plain, traced].map((one) => new Promise((resolve) => one.disconnect(resolve))))
  })
})
