import { randomUUID } from 'node:crypto'
import { trace } from '@opentelemetry/api'
import { NodeSDK } from '@opentelemetry/sdk-node'
import { processMessage, traceKafkaJS } from '@spanlink/kafka'
import { startSpanlink } from '@spanlink/testkit/spanlink'
import { useKafka } from '@spanlink/testkit/vitest'
import { Kafka, logLevel, Partitioners } from 'kafkajs'
import { afterEach, expect, test, vi } from 'vitest'

// Responses of Spanlink's API (packages/api-schema), with the fields used here.
interface Flow {
  readonly edges: readonly {
    readonly role: string
    readonly offset: string
    readonly to: { readonly name: string; readonly spanId: string }
    readonly queueTimeNano: string | null
  }[]
  readonly statistics: { readonly queueTotalNano: string }
}
interface Topology {
  readonly edges: readonly { readonly type: string; readonly count: number; readonly queueTimeCount?: number }[]
}
interface Messages {
  readonly messages: readonly { readonly offset: string; readonly attempts: readonly object[] }[]
}

const kafka = useKafka()

const ORDERS = 3

afterEach(() => vi.unstubAllEnvs())

test('each message of a batch is one edge, one queue time and one delivery, though three spans link to its producer', async () => {
  const topic = `reports-${randomUUID()}`
  await using spanlink = await startSpanlink()
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', spanlink.otlpHttp)
  const sdk = new NodeSDK({ serviceName: 'reports', logRecordProcessors: [] })
  sdk.start()
  const client = traceKafkaJS(new Kafka({ clientId: 'reports', brokers: kafka().brokers, logLevel: logLevel.NOTHING }))
  await kafka().createTopic(topic)
  const producer = client.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  const traceId = await trace.getTracer('test').startActiveSpan('place orders', async (span) => {
    const messages = Array.from({ length: ORDERS }, (_, index) => ({ value: String(index) }))
    await producer.send({ topic, messages })
    span.end()
    return span.spanContext().traceId
  })
  await producer.disconnect()

  const consumer = client.consumer({ groupId: topic })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  const handled = new Set<string>()
  await consumer.run({
    eachBatch: async ({ batch }) => {
      for (const message of batch.messages) await processMessage(message, () => handled.add(message.offset))
    },
  })
  await vi.waitUntil(() => handled.size === ORDERS, WAIT)
  await consumer.disconnect()
  await sdk.shutdown()

  const get = async <Body>(path: string): Promise<Body> => (await spanlink.getJson(path)) as Body
  await vi.waitFor(async () => {
    const { edges, statistics } = await get<Flow>(`/api/flows/${traceId}`)
    const delivered = edges.filter(({ role }) => role === 'message')
    expect(delivered.map(({ to, offset }) => [to.name, offset]).toSorted()).toEqual(
      ['0', '1', '2'].map((offset) => [`process ${topic}`, offset]),
    )
    expect(new Set(delivered.map(({ to }) => to.spanId)).size).toBe(ORDERS)
    const total = delivered.reduce((sum, { queueTimeNano }) => sum + BigInt(queueTimeNano ?? 0), 0n)
    expect(statistics.queueTotalNano).toBe(String(total))
  }, WAIT)
  const { edges } = await get<Topology>('/api/topology')
  expect(edges.find(({ type }) => type === 'deliver')).toMatchObject({ count: ORDERS, queueTimeCount: ORDERS })
  const late = await get<Messages>('/api/messages/late?minQueueTime=1ns')
  expect(late.messages.map(({ offset }) => offset).toSorted()).toEqual(['0', '1', '2'])
  expect((await get<Messages>('/api/messages/redelivered')).messages).toEqual([])
})

const WAIT = { timeout: 60_000, interval: 200 }
