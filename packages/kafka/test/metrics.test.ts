import { randomUUID } from 'node:crypto'
import { context, metrics, trace } from '@opentelemetry/api'
import type { Context, Meter } from '@opentelemetry/api'
import { createKafkaTelemetry, traceKafkaJS } from '@spanlink/kafka'
import type { KafkaTelemetryOptions } from '@spanlink/kafka'
import { useKafka } from '@spanlink/testkit/vitest'
import kafkajs from 'kafkajs'
import { afterAll, describe, expect, test } from 'vitest'
import { collectedMetrics } from './support/collected-metrics.ts'
import { useRecordedSpans } from './support/recorded-spans.ts'
import { sendOf } from './support/sending.ts'
import { waitUntil } from './support/wait.ts'

const { Kafka, Partitioners, logLevel } = kafkajs
const kafka = useKafka()
const spans = useRecordedSpans()

const BROKER = { 'server.address': expect.any(String), 'server.port': expect.any(Number) }
const SYSTEM = { 'messaging.system.name': 'kafka' }

/** Sends 5 messages, consumes them with `eachMessage` and commits their offsets. */
async function oneFlow(options: KafkaTelemetryOptions): Promise<{ readonly topic: string; readonly groupId: string }> {
  const topic = `t-${randomUUID()}`
  const groupId = `g-${topic}`
  await kafka().createTopic(topic, { partitions: 2 })
  const client = traceKafkaJS(
    new Kafka({ brokers: kafka().brokers, clientId: 'suite', logLevel: logLevel.NOTHING }),
    options,
  )
  const producer = client.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  await producer.send({ topic, messages: [{ key: 'k', value: 'four' }] })
  await producer.send({ topic, messages: Array.from({ length: 4 }, () => ({ value: Buffer.from('four') })) })
  await producer.disconnect()
  const consumer = client.consumer({ groupId, maxWaitTimeInMs: 50 })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  const { promise, resolve } = Promise.withResolvers<void>()
  let seen = 0
  const ended = new Promise<void>((done) => {
    consumer.on(consumer.events.COMMIT_OFFSETS, () => seen === 5 && done())
  })
  await consumer.run({
    autoCommitThreshold: 1,
    eachMessage: async () => {
      seen += 1
      if (seen === 5) resolve()
    },
  })
  await promise
  await ended
  await consumer.disconnect()
  return { topic, groupId }
}

describe('kafkajs metrics of a flow over a real broker', () => {
  test('include every instrument of the conventions, and connections, requests, groups and lag', async () => {
    await using collected = collectedMetrics()
    const { topic, groupId } = await oneFlow({ meterProvider: collected.provider })
    const found = await collected.collect()
    const ofTopic = { ...SYSTEM, 'messaging.destination.name': topic }
    const ofGroup = { ...SYSTEM, 'messaging.consumer.group.name': groupId }

    expect(found.get('messaging.client.sent.messages')).toEqual({
      unit: '{message}',
      points: [{ attributes: { ...ofTopic, ...BROKER, 'messaging.operation.name': 'send' }, value: 5 }],
    })
    expect(found.get('messaging.client.consumed.messages')).toEqual({
      unit: '{message}',
      points: [{ attributes: { ...ofTopic, ...ofGroup, ...BROKER, 'messaging.operation.name': 'process' }, value: 5 }],
    })
    expect(found.get('messaging.process.duration')).toEqual({
      unit: 's',
      points: [{ attributes: { ...ofTopic, ...ofGroup, ...BROKER, 'messaging.operation.name': 'process' }, value: 5 }],
    })
    const sends = found.get('messaging.client.operation.duration')
    expect(sends).toEqual({
      unit: 's',
      points: [
        {
          attributes: {
            ...ofTopic,
            ...BROKER,
            'messaging.operation.name': 'send',
            'messaging.operation.type': 'send',
          },
          value: 2,
        },
      ],
    })
    expect(found.get('kafka.consumer.end_to_end.duration')?.points).toEqual([
      { attributes: { ...ofTopic, ...ofGroup }, value: 5 },
    ])
    expect(found.get('kafka.client.sent.bytes')?.points).toEqual([{ attributes: ofTopic, value: 21 }])
    expect(found.get('kafka.client.consumed.bytes')?.points).toEqual([
      { attributes: { ...ofTopic, ...ofGroup }, value: 21 },
    ])
    expect(found.get('kafka.consumer.buffered.messages')?.points).toEqual([
      { attributes: { ...ofTopic, ...ofGroup }, value: 0 },
    ])
    // The consumer has left, so its lag is unknown, not 0.
    expect(found.get('kafka.consumer.lag')?.points ?? []).toEqual([])
    expect(found.get('kafka.producer.buffered.messages')?.points).toEqual([{ attributes: ofTopic, value: 0 }])
    expect(found.get('kafka.consumer.group_join.duration')?.points).toEqual([{ attributes: ofGroup, value: 1 }])
    expect(found.get('kafka.consumer.commits')?.points[0]?.attributes).toEqual(ofGroup)
    expect(found.get('kafka.consumer.commits')?.points[0]?.value).toBeGreaterThan(0)
    expect(found.get('kafka.consumer.batches')?.points[0]?.value).toBeGreaterThan(0)

    const [connects] = found.get('kafka.client.connects')!.points
    expect(connects?.attributes).toEqual({ ...SYSTEM, ...BROKER })
    expect(connects!.value).toBeGreaterThanOrEqual(2)
    // kafkajs does not wait until its sockets are closed.
    const closed = await waitUntil(async () => {
      const later = await collected.collect()
      return later.get('kafka.client.connections')?.points[0]?.value === 0 && later
    })
    expect(closed.get('kafka.client.disconnects')?.points).toEqual([connects])
    expect(closed.get('kafka.client.connections')?.points).toEqual([{ ...connects, value: 0 }])
    const io = found.get('kafka.client.io')!
    expect(io.unit).toBe('By')
    expect(io.points.map((point) => point.attributes['network.io.direction']).toSorted()).toEqual([
      'receive',
      'transmit',
    ])
    expect(io.points.every((point) => point.value > 500)).toBe(true)
    const requests = found.get('kafka.client.request.duration')!.points
    expect(requests.map((point) => point.attributes['kafka.request.name'])).toEqual(
      expect.arrayContaining(['Produce', 'Fetch', 'JoinGroup', 'OffsetCommit', 'Metadata']),
    )
    expect(requests.find((point) => point.attributes['kafka.request.name'] === 'Produce')?.attributes).toEqual({
      ...SYSTEM,
      ...BROKER,
      'kafka.request.name': 'Produce',
    })
  })

  test('have the topic, partition and broker attributes that the application chose', async () => {
    await using collected = collectedMetrics()
    const { groupId } = await oneFlow({
      meterProvider: collected.provider,
      metrics: { topic: false, partition: true, broker: false },
    })
    const found = await collected.collect()
    const consumed = found.get('messaging.client.consumed.messages')!.points
    expect(consumed.reduce((sum, point) => sum + point.value, 0)).toBe(5)
    for (const { attributes } of consumed) {
      expect(attributes).toEqual({
        ...SYSTEM,
        'messaging.consumer.group.name': groupId,
        'messaging.operation.name': 'process',
        'messaging.destination.partition.id': expect.stringMatching(/^[01]$/),
      })
    }
    expect(found.get('kafka.client.connects')?.points[0]?.attributes).toEqual(SYSTEM)
  })

  test('are absent with metrics: false or without a meter provider', async () => {
    await using collected = collectedMetrics()
    await oneFlow({ meterProvider: collected.provider, metrics: false })
    expect(await collected.collect()).toEqual(new Map())
    await oneFlow({ metrics: true })
    expect(await collected.collect()).toEqual(new Map())
  })
})

test('rebalances, and crashes with their error, are counted by group', async () => {
  await using collected = collectedMetrics()
  const topic = `t-${randomUUID()}`
  const groupId = `g-${topic}`
  await kafka().createTopic(topic, { partitions: 2 })
  const client = traceKafkaJS(new Kafka({ brokers: kafka().brokers, logLevel: logLevel.NOTHING }), {
    meterProvider: collected.provider,
  })
  const consume = async (fails: boolean) => {
    const consumer = client.consumer({
      groupId,
      maxWaitTimeInMs: 50,
      heartbeatInterval: 50,
      retry: { retries: 0, restartOnFailure: async () => false },
    })
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    const joined = new Promise<void>((resolve) => void consumer.on(consumer.events.GROUP_JOIN, () => resolve()))
    const crashed = new Promise<void>((resolve) => void consumer.on(consumer.events.CRASH, () => resolve()))
    await consumer.run({
      eachMessage: async () => {
        if (fails) throw new TypeError('bug')
      },
    })
    await joined
    return { consumer, crashed }
  }
  const first = await consume(true)
  const rebalanced = new Promise<void>((resolve) => {
    first.consumer.on(first.consumer.events.REBALANCING, () => resolve())
  })
  const second = await consume(true)
  await rebalanced
  const producer = client.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  await producer.send({ topic, messages: [{ value: 'v', partition: 0 }] })
  await producer.disconnect()
  await Promise.race([first.crashed, second.crashed])
  const found = await collected.collect()
  await Promise.all([first.consumer.disconnect(), second.consumer.disconnect()])
  const ofGroup = { ...SYSTEM, 'messaging.consumer.group.name': groupId }
  expect(found.get('kafka.consumer.rebalances')?.points).toEqual([{ attributes: ofGroup, value: 1 }])
  expect(found.get('kafka.consumer.group_join.duration')?.points[0]?.value).toBeGreaterThanOrEqual(2)
  const [crash] = found.get('kafka.consumer.crashes')!.points
  expect(crash).toEqual({
    attributes: { ...ofGroup, 'error.type': expect.stringMatching(/^(TypeError|KafkaJS\w+)$/) },
    value: 1,
  })
})

test('a refused connection is counted as a connection attempt with its error', async () => {
  await using collected = collectedMetrics()
  const client = traceKafkaJS(
    new Kafka({ brokers: ['127.0.0.1:1'], logLevel: logLevel.NOTHING, retry: { retries: 0 } }),
    { meterProvider: collected.provider },
  )
  const producer = client.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await expect(producer.connect()).rejects.toThrow('ECONNREFUSED')
  const attributes = { ...SYSTEM, 'server.address': '127.0.0.1', 'server.port': 1, 'error.type': 'ECONNREFUSED' }
  const found = await waitUntil(async () => {
    const collectedNow = await collected.collect()
    return collectedNow.has('kafka.client.connects') && collectedNow
  })
  expect(found.get('kafka.client.connects')?.points).toEqual([{ attributes, value: 1 }])
  expect(found.get('kafka.client.connections')).toBeUndefined()
})

test('metrics of a failed operation have the error type of its span', async () => {
  await using collected = collectedMetrics()
  const telemetry = createKafkaTelemetry({ meterProvider: collected.provider })
  class Broken extends Error {
    override readonly name = 'Broken'
  }
  const fails = (): never => {
    throw new Broken('x')
  }
  expect(() => telemetry.send(sendOf('orders', [{ value: 'v' }]), fails)).toThrow('x')
  expect(() => telemetry.process({ topic: 'orders' }, fails)).toThrow('x')
  expect(() => telemetry.settle({ topic: 'orders' }, fails)).toThrow('x')
  const found = await collected.collect()
  const errorTypes = (name: string) => found.get(name)?.points.map(({ attributes }) => attributes['error.type'])
  expect(errorTypes('messaging.client.operation.duration')).toEqual(['Broken', 'Broken'])
  expect(errorTypes('messaging.process.duration')).toEqual(['Broken'])
  expect(errorTypes('messaging.client.sent.messages')?.filter(Boolean)).toEqual(['Broken'])
})

test('a message of a batch that is also processed on its own is counted as consumed once', async () => {
  await using collected = collectedMetrics()
  const telemetry = createKafkaTelemetry({ meterProvider: collected.provider })
  const source = { topic: 'orders', partition: 0 }
  const messages = [{ offset: '1' }, { offset: '2' }]
  telemetry.processBatch(
    messages,
    () => {
      for (const message of messages) telemetry.process(message, () => undefined, { source })
    },
    { source },
  )
  const found = await collected.collect()
  expect(found.get('messaging.client.consumed.messages')?.points[0]?.value).toBe(2)
  expect(found.get('messaging.process.duration')?.points[0]?.value).toBe(3)
})

test('two telemetry instances add to the same counters', async () => {
  await using collected = collectedMetrics()
  for (const telemetry of [1, 2].map(() => createKafkaTelemetry({ meterProvider: collected.provider }))) {
    telemetry.send(sendOf('orders', [{ value: 'v' }]), () => undefined)
  }
  const [point] = (await collected.collect()).get('messaging.client.sent.messages')!.points
  expect(point?.value).toBe(2)
})

test('durations are recorded in the context of their span, so that exemplars refer to it', () => {
  const recorded: [string, string | undefined][] = []
  const instrument = (name: string) => ({
    addCallback() {},
    record: (_value: number, _attributes: unknown, within?: Context) =>
      void recorded.push([name, within && trace.getSpan(within)?.spanContext().spanId]),
  })
  const meter = {
    createHistogram: instrument,
    createObservableCounter: instrument,
    createObservableUpDownCounter: instrument,
  } as unknown as Meter
  const telemetry = createKafkaTelemetry({ meterProvider: { getMeter: () => meter } })
  telemetry.send(sendOf('orders', [{ value: 'v' }]), () => undefined)
  telemetry.process({ topic: 'orders', timestamp: '1700000000000' }, () => undefined)
  expect(recorded).toEqual([
    ['messaging.client.operation.duration', spans.only('send orders').spanContext().spanId],
    ['kafka.consumer.end_to_end.duration', spans.only('process orders').spanContext().spanId],
    ['messaging.process.duration', spans.only('process orders').spanContext().spanId],
  ])
})

test('series beyond 2,000 are counted in the overflow series', async () => {
  await using collected = collectedMetrics()
  const telemetry = createKafkaTelemetry({ meterProvider: collected.provider })
  for (let i = 0; i < 2100; i += 1) telemetry.send(sendOf(`t${i}`, [{ value: 'v' }]), () => undefined)
  const { points } = (await collected.collect()).get('kafka.client.sent.bytes')!
  expect(points.filter(({ attributes }) => attributes['otel.metric.overflow'] === true)).toEqual([
    { attributes: { 'otel.metric.overflow': true }, value: 100 },
  ])
})

test('a meter provider that is registered later receives measurements from then on', async () => {
  await using collected = collectedMetrics()
  const telemetry = createKafkaTelemetry()
  const send = () => telemetry.send(sendOf('orders', [{ value: 'v' }]), () => undefined)
  send()
  metrics.setGlobalMeterProvider(collected.provider)
  send()
  expect((await collected.collect()).get('messaging.client.sent.messages')?.points[0]?.value).toBe(1)
  expect(context.active()).toBeDefined()
})

afterAll(() => metrics.disable())
