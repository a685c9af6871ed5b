import { traceConfluent, traceRdkafka } from '@spanlink/kafka'
import { setTimeout as sleep } from 'node:timers/promises'
import type * as Confluent from '@confluentinc/kafka-javascript'
import { startKafka } from '@spanlink/testkit/kafka'
import { describe, expect, test } from 'vitest'
import { useConfluent } from './behaviour/confluent-broker.ts'
import { once } from './behaviour/rdkafka-clients.ts'
import { collectedMetrics } from './support/collected-metrics.ts'
import { nativeClient } from './support/native-client.ts'

const { client: confluent, isMissing } = nativeClient<typeof Confluent>('@confluentinc/kafka-javascript')

describe.skipIf(isMissing)('statistics of librdkafka', () => {
  const { brokers, newTopic } = useConfluent(confluent)

  test('feed metrics of connections, group and lag, and still reach the stats_cb of the application', async () => {
    const topic = await newTopic()
    await using metrics = collectedMetrics()
    const seen: unknown[] = []
    const kafka = traceConfluent(
      new confluent.KafkaJS.Kafka({
        kafkaJS: { brokers: brokers(), logLevel: confluent.KafkaJS.logLevel.NOTHING },
        'statistics.interval.ms': 100,
        // In the configuration shared by producers and consumers, which tracing does not read.
        stats_cb: (event: unknown) => void seen.push(event),
      } as ConstructorParameters<typeof confluent.KafkaJS.Kafka>[0]),
      { meterProvider: metrics.provider },
    )
    const producer = kafka.producer()
    await producer.connect()
    await producer.send({ topic, messages: ['1', '2', '3'].map((value) => ({ value })) })
    const consumer = kafka.consumer({ kafkaJS: { groupId: `g-${topic}`, fromBeginning: true, maxWaitTimeInMs: 50 } })
    await consumer.connect()
    await consumer.subscribe({ topics: [topic] })
    await consumer.run({
      // Statistics are emitted by polls, so the handler must not block. It fails at offset 1, which
      // is redelivered, so lag stays at two messages.
      eachMessage: async ({ message }) => {
        await sleep(10)
        if (message.offset !== '0') throw new Error('not yet')
      },
    })
    const collected = await eventually(async () => {
      const all = await metrics.collect()
      return all.get('kafka.consumer.lag')?.points.some(({ value }) => value === 2) ? all : undefined
    })
    const group = { 'messaging.system.name': 'kafka', 'messaging.consumer.group.name': `g-${topic}` }
    expect(collected.get('kafka.consumer.lag')?.points).toEqual([
      { attributes: { ...group, 'messaging.destination.name': topic }, value: 2 },
    ])
    expect(collected.get('kafka.consumer.rebalances')?.points).toEqual([{ attributes: group, value: 1 }])
    const [host, port] = brokers()[0]!.split(':')
    const connects = collected.get('kafka.client.connects')?.points
    expect(connects?.[0]?.attributes).toMatchObject({ 'server.address': host, 'server.port': Number(port) })
    expect(connects?.[0]?.value).toBeGreaterThanOrEqual(2)
    const io = collected.get('kafka.client.io')?.points.map(({ value }) => value)
    expect(io).toHaveLength(2)
    expect(Math.min(...io!)).toBeGreaterThan(100)
    expect(seen.length).toBeGreaterThan(0)
    await consumer.disconnect()
    await producer.disconnect()
  })

  test('count failed connection attempts separately, and end at zero connections', async () => {
    await using metrics = collectedMetrics()
    await using broker = await startKafka()
    const producer = new confluent.Producer({
      'metadata.broker.list': broker.brokers.join(),
      'statistics.interval.ms': 50,
      'reconnect.backoff.ms': 10,
      'reconnect.backoff.max.ms': 50,
    })
    traceRdkafka(producer, { meterProvider: metrics.provider })
    await new Promise<void>((resolve) => {
      producer.connect({}, () => resolve())
    })
    producer.setPollInterval(10)
    const sum = async (name: string): Promise<number> =>
      ((await metrics.collect()).get(name)?.points ?? []).reduce((total, { value }) => total + value, 0)
    await eventually(async () => ((await sum('kafka.client.connections')) > 0 ? true : undefined))
    const connects = await sum('kafka.client.connects')
    await broker.stop()
    await eventually(async () => ((await sum('kafka.client.connects')) > connects ? true : undefined))
    await eventually(async () => ((await sum('kafka.client.connections')) === 0 ? true : undefined))
    await eventually(async () => ((await sum('kafka.client.disconnects')) > 0 ? true : undefined))
    await new Promise<void>((resolve) => {
      producer.disconnect(() => resolve())
    })
    for (const level of ['kafka.client.connections', 'kafka.client.request.queued']) expect(await sum(level)).toBe(0)
  })

  test('feed the same metrics through the rdkafka API, and pass on malformed statistics', async () => {
    await using metrics = collectedMetrics()
    const producer = new confluent.Producer({ 'metadata.broker.list': brokers().join(), 'statistics.interval.ms': 100 })
    traceRdkafka(producer, { meterProvider: metrics.provider })
    const seen: unknown[] = []
    producer.on('event.stats', (event) => seen.push(event))
    for (const message of ['no JSON', '[]', 'null', '{"brokers":{"b":{"nodename":"h:1","connects":1}}}', undefined]) {
      producer.emit('event.stats', { message } as never)
    }
    expect(seen).toHaveLength(5)
    await new Promise<void>((resolve) => {
      producer.connect({}, () => resolve())
    })
    producer.setPollInterval(10)
    await once(producer, 'event.stats')
    const collected = await metrics.collect()
    const addresses = collected
      .get('kafka.client.connects')
      ?.points.map(({ attributes }) => attributes['server.address'])
    expect(addresses).toEqual(['h', '127.0.0.1'])
    await new Promise<void>((resolve) => {
      producer.disconnect(() => resolve())
    })
  })
})

/** Polls until there is a result; the time limit of the test ends it. */
async function eventually<T>(poll: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const result = await poll()
    if (result !== undefined) return result
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
