import { context, propagation, trace } from '@opentelemetry/api'
import type { Attributes } from '@opentelemetry/api'
import { createKafkaTelemetry } from '@spanlink/kafka'
import type { KafkaTelemetryOptions } from '@spanlink/kafka'
import { describe, expect, test } from 'vitest'
import { described, idOf, useRecordedSpans } from './support/recorded-spans.ts'
import { AlwaysOffSampler, InMemorySpanExporter, SDK_MAJOR, TracerProvider, exportAtOnce } from './support/sdk.ts'
import { sendOf } from './support/sending.ts'
import type { PlainMessage } from './support/sending.ts'

const spans = useRecordedSpans()

const OUTBOX = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const OUTBOX_ID = '0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331'

function send(messages: readonly PlainMessage[], options?: KafkaTelemetryOptions): readonly PlainMessage[] {
  let sent: readonly PlainMessage[] = []
  createKafkaTelemetry(options).send(sendOf('orders', messages), (given) => (sent = given))
  return sent
}

const carried = (message: PlainMessage | undefined) => {
  const [, traceId, spanId] = String((message?.headers as { traceparent?: string } | undefined)?.traceparent).split('-')
  return `${traceId}-${spanId}`
}

test('the test suite runs with the SDK version it is started for', () => {
  send([{ value: 'v' }])
  expect(spans.only('send orders').resource.attributes['telemetry.sdk.version']).toMatch(new RegExp(`^${SDK_MAJOR}\\.`))
})

describe('a send, as in the worked examples of the conventions,', () => {
  test('of one message makes a PRODUCER span, whose context the message carries', () => {
    const [message] = send([{ key: 'k', value: 'v' }])
    const span = spans.only('send orders')
    expect(described(span)).toEqual({
      name: 'send orders',
      kind: 'PRODUCER',
      parent: undefined,
      links: [],
      attributes: {
        'messaging.system.name': 'kafka',
        'messaging.operation.name': 'send',
        'messaging.operation.type': 'send',
        'messaging.destination.name': 'orders',
        'kafka.message.key': 'k',
      },
    })
    expect(carried(message)).toBe(idOf(span))
    expect(span.status.code).toBe(0)
  })

  test('of several messages with perMessage makes a Create span each, linked from a CLIENT span with partition, offset and key', () => {
    const messages = [
      { key: 'a', value: '1' },
      { key: 'b', value: null },
    ]
    let sent: readonly PlainMessage[] = []
    createKafkaTelemetry().send(
      sendOf('orders', messages),
      (given) => (sent = given),
      () => [
        { partition: 0, offset: '7' },
        { partition: 1, offset: 9n },
      ],
    )
    const span = spans.only('send orders')
    const created = spans.named('create orders')
    expect(described(span)).toMatchObject({ kind: 'CLIENT', attributes: { 'messaging.batch.message_count': 2 } })
    expect(span.attributes).not.toHaveProperty('messaging.destination.partition.id')
    expect(created.map(described)).toMatchObject([
      { kind: 'PRODUCER', parent: idOf(span), attributes: { 'kafka.message.key': 'a' } },
      {
        kind: 'PRODUCER',
        parent: idOf(span),
        attributes: { 'kafka.message.key': 'b', 'kafka.message.tombstone': true },
      },
    ])
    expect(sent.map(carried)).toEqual(created.map(idOf))
    const linkAttributes = (partition: string, offset: number, key: string) => ({
      'messaging.destination.name': 'orders',
      'messaging.destination.partition.id': partition,
      'kafka.offset': offset,
      'kafka.message.key': key,
    })
    expect(described(span).links).toEqual([
      { to: idOf(created[0]!), attributes: linkAttributes('0', 7, 'a') },
      { to: idOf(created[1]!), attributes: linkAttributes('1', 9, 'b') },
    ])
  })

  test('of several messages with perCall makes one PRODUCER span, whose context all messages carry', () => {
    const sent = send([{ value: '1' }, { value: '2' }], { sendSpans: 'perCall' })
    const span = spans.only('send orders')
    expect(described(span)).toMatchObject({
      kind: 'PRODUCER',
      links: [],
      attributes: { 'messaging.batch.message_count': 2 },
    })
    expect(sent.map(carried)).toEqual([idOf(span), idOf(span)])
    expect(spans.all()).toHaveLength(1)
  })

  test('keeps and links a creation context of the application, beside messages without one', () => {
    const withContext = { value: 'o', headers: { traceparent: OUTBOX, tracestate: 'a=1' } }
    const sent = send([withContext, { value: 'n' }])
    expect(sent[0]).toBe(withContext)
    const created = spans.only('create orders')
    expect(carried(sent[1])).toBe(idOf(created))
    expect(described(spans.only('send orders')).links.map((link) => link.to)).toEqual([OUTBOX_ID, idOf(created)])
  })

  test('of more messages than the link limit has the rest as Create spans below the Send span', () => {
    send(
      Array.from({ length: 5 }, () => ({ value: 'v' })),
      { linkCountLimit: 3 },
    )
    const span = spans.only('send orders')
    const created = spans.named('create orders')
    expect(span.links.map((link) => idOf(link.context))).toEqual(created.slice(0, 3).map(idOf))
    expect(created.map((one) => described(one).parent)).toEqual(created.map(() => idOf(span)))
  })
})

describe('sent headers', () => {
  test('replace an invalid traceparent, drop its tracestate and keep the application’s baggage', () => {
    const headers = { TraceParent: 'garbage', tracestate: 'a=1', baggage: 'mine=1', app: 'x' }
    const [message] = send([{ value: 'v', headers }])
    expect(message?.headers).toEqual({ baggage: 'mine=1', app: 'x', traceparent: expect.any(String) })
    expect(carried(message)).toBe(idOf(spans.only('send orders')))
  })

  test('replace traceparent, tracestate and baggage of a message that was consumed in this process', () => {
    const headers = { traceparent: OUTBOX.replace('b7ad6b', 'c7ad6b'), tracestate: 'a=1', baggage: 'stale=1', app: 'x' }
    const telemetry = createKafkaTelemetry()
    telemetry.process({ topic: 'from', headers }, () => undefined)
    const [message] = send([{ value: 'v', headers }])
    expect(message?.headers).toEqual({ app: 'x', traceparent: expect.any(String) })
  })

  test('carry the active baggage, and the message is not modified', () => {
    const message = Object.freeze({ value: 'v', headers: Object.freeze({ app: 'x' }) })
    const baggage = propagation.createBaggage({ tenant: { value: 'acme' } })
    const [sent] = context.with(propagation.setBaggage(context.active(), baggage), () => send([message]))
    expect(sent?.headers).toMatchObject({ app: 'x', baggage: 'tenant=acme' })
    expect(message).toEqual({ value: 'v', headers: { app: 'x' } })
  })

  test('carry the context of unsampled sends, without a Create span each', () => {
    const exporter = new InMemorySpanExporter()
    const tracerProvider = new TracerProvider({
      sampler: new AlwaysOffSampler(),
      spanProcessors: [exportAtOnce(exporter)],
    })
    const sent = send([{ value: '1' }, { value: '2' }], { tracerProvider })
    const flags = sent.map((message) => (message.headers as { traceparent: string }).traceparent.slice(-2))
    expect(flags).toEqual(['00', '00'])
    expect(new Set(sent.map(carried)).size).toBe(1)
    expect(exporter.getFinishedSpans()).toEqual([])
  })
})

describe('failures in a send', () => {
  test('are recorded on its span, and the error of the client is passed on', async () => {
    const telemetry = createKafkaTelemetry()
    const error = Object.assign(new Error('no replicas'), { type: 'NOT_ENOUGH_REPLICAS' })
    const operation = sendOf('orders', [{ value: 'v' }])
    await expect(telemetry.send(operation, () => Promise.reject(error))).rejects.toBe(error)
    expect(() =>
      telemetry.send(operation, () => {
        throw error
      }),
    ).toThrow(error)
    for (const span of spans.named('send orders')) {
      expect(span.status).toEqual({ code: 2, message: 'no replicas' })
      expect(span.attributes['error.type']).toBe('NOT_ENOUGH_REPLICAS')
      expect(span.events.map((event) => event.name)).toEqual(['exception'])
    }
    expect(spans.named('send orders')).toHaveLength(2)
  })

  const fails = () => {
    throw new Error('telemetry is broken')
  }
  const broken: [string, KafkaTelemetryOptions][] = [
    ['tracer', { tracerProvider: { getTracer: () => ({ startSpan: fails, startActiveSpan: fails }) } }],
    ['tracer provider', { tracerProvider: { getTracer: fails } }],
    ['propagator', { propagator: { inject: fails, extract: fails, fields: fails } }],
    [
      'propagator that names its fields',
      { propagator: { inject: fails, extract: fails, fields: () => ['traceparent'] } },
    ],
    ['hook', { onSpan: fails }],
    ['filter', { filter: fails }],
    ['key formatter', { messageKey: fails }],
    ['correlation', { correlation: fails }],
  ]
  test.each(broken)('a throwing %s fails neither a send nor a handler', (_name, options) => {
    const telemetry = createKafkaTelemetry(options)
    const messages = [
      { key: 'k', value: '1' },
      { key: 'k', value: '2', headers: { traceparent: OUTBOX } },
    ]
    expect(telemetry.send(sendOf('orders', messages), (given) => given.map((one) => one.value))).toEqual(['1', '2'])
    const message = { topic: 'orders', key: 'k', headers: { traceparent: OUTBOX } }
    expect(telemetry.process(message, () => 'done')).toBe('done')
    expect(telemetry.processBatch([message], () => 'done')).toBe('done')
    expect(telemetry.settle({ topic: 'orders' }, () => 'done')).toBe('done')
  })

  test('a message with a throwing accessor is sent as it is, and its span ends', () => {
    const hostile = Object.defineProperty({ value: 'v' }, 'extra', { get: fails, enumerable: true })
    expect(send([hostile])).toEqual([hostile].map(() => expect.anything()))
    expect(spans.named('send orders')).toHaveLength(1)
  })
})

test('attributes have the names of semantic conventions 1.44 when configured', () => {
  send([{ key: 'k', value: 'v' }], { semconv: '1.44' })
  expect(spans.only('send orders').attributes).toMatchObject({
    'messaging.system': 'kafka',
    'messaging.kafka.message.key': 'k',
  })
  expect(trace.getActiveSpan()).toBeUndefined()
})

describe('the broker address of a send', () => {
  const [one, other] = [
    { address: 'kafka-1', port: 9092 },
    { address: 'kafka-2', port: 9092 },
  ]
  const leaders = [one, other]
  const getLeader = (partition: number | undefined) => (partition === undefined ? undefined : leaders[partition])
  const brokerOf = (attributes: Attributes | undefined): unknown => attributes?.['server.address']
  const sendTo = (messages: readonly PlainMessage[], partitions: readonly number[]): void =>
    createKafkaTelemetry().send(
      { ...sendOf('orders', messages), getLeader },
      () => {},
      () => partitions.map((partition) => ({ partition })),
    )

  test('is set on the Send span when all records go to one broker, otherwise on the links', () => {
    sendTo([{ value: 'v' }, { value: 'w' }], [1, 1])
    sendTo([{ value: 'v' }, { value: 'w' }], [0, 1])
    const [same, different] = spans.named('send orders')
    expect(same!.attributes).toMatchObject({ 'server.address': 'kafka-2', 'server.port': 9092 })
    expect(same!.links.map(({ attributes }) => brokerOf(attributes))).toEqual([undefined, undefined])
    expect(brokerOf(different!.attributes)).toBeUndefined()
    expect(different!.links.map(({ attributes }) => brokerOf(attributes))).toEqual(['kafka-1', 'kafka-2'])
  })

  test('is set on the Create span of a message whose partition the application chose, and on no other', () => {
    sendTo([{ value: 'v', partition: 1 }, { value: 'w' }], [1, 0])
    expect(spans.named('create orders').map(({ attributes }) => brokerOf(attributes))).toEqual(['kafka-2', undefined])
  })

  test('is set on all spans from their start when one broker leads every partition of the topic', () => {
    createKafkaTelemetry().send(
      { ...sendOf('orders', [{ value: 'v' }, { value: 'w' }]), getLeader: () => one },
      () => {},
    )
    expect(spans.all().map(({ attributes }) => brokerOf(attributes))).toEqual(['kafka-1', 'kafka-1', 'kafka-1'])
  })

  test('is left out when it cannot be determined, and the send and its spans succeed', () => {
    const sent: (readonly PlainMessage[])[] = []
    createKafkaTelemetry().send(
      {
        ...sendOf('orders', [{ value: 'v' }]),
        getLeader(partition) {
          if (partition !== undefined) throw new Error('unreadable')
          return undefined
        },
      },
      (given) => sent.push(given),
      () => [{ partition: 0, offset: 7 }],
    )
    expect(sent).toHaveLength(1)
    expect(spans.only('send orders').attributes).toMatchObject({ 'kafka.offset': 7 })
  })
})
