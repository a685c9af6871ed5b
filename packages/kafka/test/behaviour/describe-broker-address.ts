import { randomUUID } from 'node:crypto'
import type { Attributes } from '@opentelemetry/api'
import type { KafkaTelemetryOptions } from '@spanlink/kafka'
import { useKafka } from '@spanlink/testkit/vitest'
import { describe, expect, test, vi } from 'vitest'
import { collectedMetrics } from '../support/collected-metrics.ts'
import { useRecordedSpans } from '../support/recorded-spans.ts'
import { AlwaysOffSampler, TracerProvider } from '../support/sdk.ts'
import type { ClientUnderTest, ConnectedClient } from './client-under-test.ts'

/**
 * Broker address of a record, from metadata or from statistics.
 */
export function describeBrokerAddress(client: ClientUnderTest): void {
  describe(`${client.name}: broker address`, () => {
    const kafka = useKafka()
    const spans = useRecordedSpans()
    const connect = (options: KafkaTelemetryOptions = {}): Promise<ConnectedClient> =>
      client.connect(kafka().brokers, options)
    const broker = (): Attributes => {
      const [host, port] = kafka().brokers[0]!.split(':')
      return { 'server.address': host, 'server.port': Number(port) }
    }
    const newTopic = async (): Promise<string> => {
      const topic = `t-${randomUUID()}`
      await kafka().createTopic(topic, { partitions: 2 })
      return topic
    }
    const messages = [
      { key: 'a', value: '1' },
      { key: 'b', value: '2' },
    ]

    test('is set on Send, Create and process spans', async () => {
      const topic = await newTopic()
      await using connected = await connect()
      // Metadata is known after the first send, and statistics are emitted at an interval.
      await vi.waitFor(
        async () => {
          await connected.send(topic, messages)
          const created = spans.named(`create ${topic}`).slice(-2)
          expect(created.map(({ attributes }) => attributes)).toEqual([
            expect.objectContaining(broker()),
            expect.objectContaining(broker()),
          ])
          expect(spans.named(`send ${topic}`).at(-1)?.attributes).toMatchObject(broker())
        },
        { timeout: 60_000, interval: 50 },
      )
      await connected.send(topic, messages.slice(0, 1))
      expect(spans.named(`send ${topic}`).at(-1)?.attributes).toMatchObject(broker())
      await connected.eachMessage(topic, `g-${topic}`, async () => {})
      await vi.waitFor(
        async () => {
          await connected.send(topic, messages.slice(0, 1))
          expect(spans.named(`process ${topic}`).at(-1)?.attributes).toMatchObject(broker())
        },
        { timeout: 60_000, interval: 50 },
      )
    })

    test('is set on send metrics when no span is sampled', async () => {
      const topic = await newTopic()
      await using collected = collectedMetrics()
      const tracerProvider = new TracerProvider({ sampler: new AlwaysOffSampler() })
      await using connected = await connect({ meterProvider: collected.provider, tracerProvider })
      await vi.waitFor(
        async () => {
          await connected.send(topic, messages)
          await connected.send(topic, messages.slice(0, 1))
          const found = await collected.collect()
          for (const name of ['messaging.client.sent.messages', 'messaging.client.operation.duration']) {
            const sends = found.get(name)!.points.map(({ attributes }) => attributes)
            expect(sends).toContainEqual(expect.objectContaining({ ...broker(), 'messaging.destination.name': topic }))
          }
        },
        { timeout: 60_000, interval: 50 },
      )
    })
  })
}
