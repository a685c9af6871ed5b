import { randomUUID } from 'node:crypto'
import { Producer as PlatformaticProducer, stringSerializers } from '@platformatic/kafka'
import { traceKafkaJS, tracePlatformatic } from '@spanlink/kafka'
import { useOwnKafka } from '@spanlink/testkit/vitest'
import kafkajs from 'kafkajs'
import { expect, test } from 'vitest'
import { collectedMetrics } from './support/collected-metrics.ts'
import type { CollectedMetrics } from './support/collected-metrics.ts'
import { waitFor, waitUntil } from './support/wait.ts'

const { Kafka, Partitioners, logLevel } = kafkajs
const kafka = useOwnKafka({ tls: true })
const createPartitioner = Partitioners.DefaultPartitioner

async function topicOf(): Promise<string> {
  const topic = `t-${randomUUID()}`
  await kafka().createTopic(topic)
  return topic
}

async function levelOf(collected: CollectedMetrics, name: string): Promise<number | undefined> {
  return (await collected.collect()).get(name)?.points[0]?.value
}

test('requests that wait in the client count as queued, and requests without a response as timeouts', async () => {
  await using collected = collectedMetrics()
  const topic = await topicOf()
  const options = { brokers: kafka().brokers, logLevel: logLevel.NOTHING, requestTimeout: 5000, retry: { retries: 0 } }
  const client = traceKafkaJS(new Kafka(options), { meterProvider: collected.provider })
  const producer = client.producer({ createPartitioner, maxInFlightRequests: 1 })
  const send = () => producer.send({ topic, messages: [{ value: 'v' }] })
  // The client has no retries. 3 s per request were too few to see the queue at a load of 20.
  await waitFor(() => producer.connect())
  await waitFor(send)
  const [host, port] = kafka().brokers[0]!.split(':')
  const broker = { 'messaging.system.name': 'kafka', 'server.address': host, 'server.port': Number(port) }
  await kafka().pause()
  try {
    const sends = [send(), send(), send()]
    const results = Promise.allSettled(sends)
    await waitUntil(async () => (await levelOf(collected, 'kafka.client.request.queued')) === 2)
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

test('kafkajs connections with TLS are counted once, and their bytes before encryption', async (context) => {
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
  expect(await connectionsOf(collected)).toEqual(expectedConnections(tls.broker))
  await producer.disconnect()
  await waitUntil(async () => (await levelOf(collected, 'kafka.client.connections')) === 0)
})

test('@platformatic/kafka connections with TLS are counted once, and their bytes before encryption', async (context) => {
  const { tls } = kafka()
  if (tls === undefined) return context.skip('this Kafka has no listener with TLS')
  await using collected = collectedMetrics()
  const topic = await topicOf()
  const tracing = tracePlatformatic({ meterProvider: collected.provider })
  const common = { clientId: 'c', bootstrapBrokers: [tls.broker], tls: { ca: tls.certificate } }
  const producer = new PlatformaticProducer({ ...common, serializers: stringSerializers })
  try {
    await producer.send({ messages: [{ topic, value: 'v'.repeat(50_000) }] })
    expect(await connectionsOf(collected)).toEqual(expectedConnections(tls.broker))
    await producer.close()
    await waitUntil(async () => (await levelOf(collected, 'kafka.client.connections')) === 0)
  } finally {
    tracing.disable()
  }
})

interface Connections {
  readonly brokers: ReadonlySet<string>
  readonly connects: number
  readonly transmitted: number
  readonly received: number
}

async function connectionsOf(collected: CollectedMetrics): Promise<Connections> {
  const found = await collected.collect()
  const points = ['kafka.client.connects', 'kafka.client.io'].flatMap((name) => found.get(name)?.points ?? [])
  const bytes = (direction: string): number =>
    points.find(({ attributes }) => attributes['network.io.direction'] === direction)?.value ?? 0
  return {
    brokers: new Set(
      points.map(({ attributes }) => `${String(attributes['server.address'])}:${String(attributes['server.port'])}`),
    ),
    connects: found.get('kafka.client.connects')?.points[0]?.value ?? 0,
    transmitted: bytes('transmit'),
    received: bytes('receive'),
  }
}

/** One connection that carried a message of 50,000 bytes and little else. */
function expectedConnections(broker: string): Connections {
  return {
    brokers: new Set([broker]),
    connects: 1,
    transmitted: expect.toSatisfy((bytes: number) => bytes > 50_000 && bytes < 60_000) as number,
    received: expect.toSatisfy((bytes: number) => bytes > 300 && bytes < 20_000) as number,
  }
}
