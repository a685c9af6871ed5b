import { randomUUID } from 'node:crypto'
import type { Attributes } from '@opentelemetry/api'
import type { traceRdkafka } from '@spanlink/kafka'
import { useKafka } from '@spanlink/testkit/vitest'
import { describe, expect, test, vi } from 'vitest'
import { collectedMetrics } from '../support/collected-metrics.ts'
import { useRecordedSpans } from '../support/recorded-spans.ts'
import { AlwaysOffSampler, TracerProvider } from '../support/sdk.ts'
import { RdkafkaClients, once, polled } from './rdkafka-clients.ts'
import type { Rdkafka } from './rdkafka-clients.ts'

/** Broker address of a record from librdkafka's statistics. */
export function describeRdkafkaBrokerAddress(rdkafka: Rdkafka): void {
  describe('broker address', () => {
    const kafka = useKafka()
    const spans = useRecordedSpans()
    const connect = (options?: Parameters<typeof traceRdkafka>[1]) =>
      new RdkafkaClients(rdkafka, kafka().brokers, options, { 'statistics.interval.ms': 100 })
    const broker = (): Attributes => {
      const [host, port] = kafka().brokers[0]!.split(':')
      return { 'server.address': host, 'server.port': Number(port) }
    }
    const newTopic = async (): Promise<string> => {
      const topic = `t-${randomUUID()}`
      await kafka().createTopic(topic)
      return topic
    }

    test('is set on Send and poll spans once statistics were emitted', async () => {
      const topic = await newTopic()
      await using clients = connect()
      const producer = await clients.producer({ dr_cb: true })
      await vi.waitFor(
        async () => {
          producer.produce(topic, null, Buffer.from('v'))
          await once(producer, 'delivery-report')
          expect(spans.named(`send ${topic}`).at(-1)?.attributes).toMatchObject(broker())
        },
        { timeout: 60_000, interval: 50 },
      )
      const consumer = await clients.consumer(topic)
      await vi.waitFor(
        async () => {
          producer.produce(topic, null, Buffer.from('v'))
          await polled(consumer, 1)
          expect(spans.named(`poll ${topic}`).at(-1)?.attributes).toMatchObject(broker())
        },
        { timeout: 60_000, interval: 50 },
      )
    })

    test('is set on send metrics, which count a message at its delivery report, when no span is sampled', async () => {
      const topic = await newTopic()
      await using collected = collectedMetrics()
      const tracerProvider = new TracerProvider({ sampler: new AlwaysOffSampler() })
      await using clients = connect({ meterProvider: collected.provider, tracerProvider })
      const producer = await clients.producer({ dr_cb: true, 'linger.ms': 500 })
      const sends = async (name: string) => (await collected.collect()).get(name)?.points ?? []
      producer.produce(topic, null, Buffer.from('v'))
      expect(await sends('messaging.client.operation.duration')).toEqual([])
      await once(producer, 'delivery-report')
      expect((await sends('messaging.client.operation.duration')).map(({ value }) => value)).toEqual([1])
      await vi.waitFor(
        async () => {
          producer.produce(topic, null, Buffer.from('v'))
          await once(producer, 'delivery-report')
          for (const name of ['messaging.client.sent.messages', 'messaging.client.operation.duration']) {
            const attributes = (await sends(name)).map((point) => point.attributes)
            expect(attributes).toContainEqual(expect.objectContaining(broker()))
          }
        },
        { timeout: 60_000, interval: 50 },
      )
    })
  })
}
