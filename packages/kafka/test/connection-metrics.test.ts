import { randomUUID } from 'node:crypto'
import { Producer as PlatformaticProducer, stringSerializers } from '@platformatic/kafka'
import { traceKafkaJS, tracePlatformatic } from '@spanlink/kafka'
import { useKafka } from '@spanlink/testkit/vitest'
import kafkajs from 'kafkajs'
import { expect, test, vi } from 'vitest'
import { collectedMetrics } from './support/collected-metrics.ts'
import type { CollectedMetrics } from './support/collected-metrics.ts'

const { Kafka, Partitioners, logLevel } = kafkajs
const kafka = useKafka({ tls: true })
const createPartitioner = Partitioners.DefaultPartitioner

async function topicOf(): Promise<string> {
  const topic = `t-${randomUUID()}`
  await kafka().createTopic(topic)
  return topic
}

async function levelOf(collected: CollectedMetrics, name: string): Promise<number | undefined> {
  return (await collected.collect()).get(name)?.points[0]?.value
}

test('requests that wait in the client are its queue, and those the broker does not answer are timeouts', async () => {
  await using collected = collectedMetrics()
  const topic = await topicOf()
  const options = { brokers: kafka().brokers, logLevel: logLevel.NOTHING, requestTimeout: 1000, retry: { retries: 0 } }
  const client = traceKafkaJS(new Kafka(options), { meterProvider: collected.provider })
  const producer = client.producer({ createPartitioner, maxInFlightRequests: 1 })
  await producer.connect()
  const send = () => producer.send({ topic, messages: [{ value: 'v' }] })
  await send()
  const [host, port] = kafka().brokers[0]!.split(':')
  const broker = { 'messaging.system.name': 'kafka', 'server.address': host, 'server.port': Number(port) }
  kafka().pause()
  try {
    const sends = [send(), send(), send()]
    const results = Promise.allSettled(sends)
    await vi.waitUntil(async () => (await levelOf(collected, 'kafka.client.request.queued')) === 2)
    expect((await results).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    const found = await collected.collect()
    expect(found.get('kafka.client.request.timeouts')).toEqual({
      unit: '{request}',
      points: [{ attributes: { ...broker, 'kafka.request.name': 'Produce' }, value: expect.any(Number) }],
    })
    expect(found.get('kafka.client.request.queued')).toEqual({
      unit: '{request}',
      points: [{ attributes: broker, value: 0 }],
    })
  } finally {
    kafka().resume()
  }
  await producer.disconnect()
})

test('connections with TLS are counted once, and their bytes as they are before encryption', async (context) => {
  const { tls } = kafka()
  if (tls === undefined) return context.skip('this Kafka has no listener with TLS')
  await using collected = collectedMetrics()
  const topic = await topicOf()
  const client = traceKafkaJS(
    new Kafka({ brokers: [tls.broker], ssl: { ca: [tls.certificate] }, logLevel: logLevel.NOTHING }),
    { meterProvider: collected.provider },
  )
  const producer = client.producer({ createPartitioner })
  await producer.connect()
  await producer.send({ topic, messages: [{ value: Buffer.alloc(50_000, 'v') }] })
  await expectOneBroker(collected, tls.broker)
  await producer.disconnect()
  await vi.waitUntil(async () => (await levelOf(collected, 'kafka.client.connections')) === 0)
})

test('the same of @platformatic/kafka', async (context) => {
  const { tls } = kafka()
  if (tls === undefined) return context.skip('this Kafka has no listener with TLS')
  await using collected = collectedMetrics()
  const topic = await topicOf()
  const tracing = tracePlatformatic({ meterProvider: collected.provider })
  const common = { clientId: 'c', bootstrapBrokers: [tls.broker], tls: { ca: tls.certificate } }
  const producer = new PlatformaticProducer({ ...common, serializers: stringSerializers })
  try {
    await producer.send({ messages: [{ topic, value: 'v'.repeat(50_000) }] })
    await expectOneBroker(collected, tls.broker)
    await producer.close()
    await vi.waitUntil(async () => (await levelOf(collected, 'kafka.client.connections')) === 0)
  } finally {
    tracing.disable()
  }
})

/** One broker, and bytes that are those of a message of 50,000 and little more. */
async function expectOneBroker(collected: CollectedMetrics, broker: string): Promise<void> {
  const [address, port] = broker.split(':')
  const at = { 'messaging.system.name': 'kafka', 'server.address': address, 'server.port': Number(port) }
  const found = await collected.collect()
  expect(found.get('kafka.client.connects')?.points).toEqual([{ attributes: at, value: expect.any(Number) }])
  const io = found.get('kafka.client.io')!.points
  const bytes = (direction: string) =>
    io.find(({ attributes }) => attributes['network.io.direction'] === direction)?.value ?? 0
  expect(bytes('transmit')).toBeGreaterThan(50_000)
  expect(bytes('transmit')).toBeLessThan(60_000)
  expect(bytes('receive')).toBeGreaterThan(500)
  expect(bytes('receive')).toBeLessThan(20_000)
  expect(io.every(({ attributes }) => attributes['server.port'] === Number(port))).toBe(true)
}
