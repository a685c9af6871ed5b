import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeTraces, tracesOf } from '@spanlink/testkit/otlp'
import { useKafka } from '@spanlink/testkit/vitest'
import { CompressionTypes, ConfigResourceTypes, Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createIngestPipeline } from '../../src/receivers/ingest-pipeline.ts'
import { ByteBudget } from '../../src/receivers/body/byte-budget.ts'
import { RejectionLog } from '../../src/receivers/rejection-log.ts'
import { startKafkaReceiver } from '../../src/receivers/kafka/receiver.ts'
import type { SignalRows } from '../../src/otlp/rows.ts'
import { findSignal } from '../../src/receivers/signals.ts'

const kafka = useKafka()

let dataDir = ''
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'spanlink-kafka-receiver-'))
})
afterAll(() => rm(dataDir, { recursive: true }))

const traces = (name: string) =>
  tracesOf('orders', [
    { traceId: randomBytes(16).toString('hex'), spanId: randomBytes(8).toString('hex'), name, startTimeUnixNano: '1' },
  ])

test.concurrent('offsets are committed once the journal has the protobuf and JSON requests, and invalid records are skipped and logged', async () => {
  await using topic = await newTopic()
  let full = true
  const kept: SignalRows[] = []
  const append = async (rows: SignalRows): Promise<void> => {
    if (full) throw new Error('journal is full')
    kept.push(rows)
  }
  const lines: string[] = []
  const rejectionLog = new RejectionLog((line) => lines.push(line))
  const pipeline = createIngestPipeline(append, new ByteBudget(1024 * 1024), rejectionLog)
  const options = { brokers: kafka().brokers, groupId: topic.name, topics: topic.map, pipeline, dataDir, log: () => {} }
  const first = await startKafkaReceiver(options)
  await topic.send([
    Buffer.from(encodeTraces(traces('protobuf'))),
    Buffer.from('neither'),
    null,
    Buffer.from(JSON.stringify(traces('json'))),
  ])
  await vi.waitUntil(() => first.getStatus().rejectedMessages === 1, WAIT)
  await first.close(10_000)
  expect([kept.length, await topic.committed()]).toEqual([0, '-1'])
  expect(lines).toEqual([
    expect.stringContaining(`Kafka rejected 1 request (malformed) from ${topic.name}/0 at offset 1: `),
  ])

  full = false
  const second = await startKafkaReceiver(options)
  await vi.waitUntil(() => kept.length === 2, WAIT)
  await vi.waitFor(async () => expect(await topic.committed()).toBe('4'), WAIT)
  await topic.send([Buffer.from(encodeTraces(traces('gzip')))], CompressionTypes.GZIP)
  await vi.waitUntil(() => kept.length === 3, WAIT)
  await second.close(10_000)
  expect(pipeline.stats).toMatchObject({ spans: 3 })

  // Committed records are not received again.
  const third = await startKafkaReceiver(options)
  await topic.send([Buffer.from(encodeTraces(traces('last')))])
  await vi.waitUntil(() => kept.length === 4, WAIT)
  await third.close(10_000)
  expect(pipeline.stats).toMatchObject({ spans: 4 })
}, 120_000)

// The broker recompresses with the codec of the topic: these are Java's own codecs.
test.concurrent.each(['snappy', 'lz4', 'zstd'])(
  'Kafka batches compressed with %s are received',
  async (compression) => {
    await using topic = await newTopic({ 'compression.type': compression })
    const kept: string[] = []
    const pipeline = createIngestPipeline(async (rows) => {
      const spans = rows.batches.find(({ table }) => table === 'spans')
      if (spans !== undefined) kept.push(Buffer.from(spans.bytes).toString('latin1'))
    })
    const options = {
      brokers: kafka().brokers,
      groupId: topic.name,
      topics: topic.map,
      pipeline,
      dataDir,
      log: () => {},
    }
    const receiver = await startKafkaReceiver(options)
    const names = ['short', 'long, and what repeats is copied '.repeat(8000), randomBytes(100_000).toString('hex')]
    for (const name of names) await topic.send([Buffer.from(encodeTraces(traces(name)))])
    await topic.send(names.map((name) => Buffer.from(encodeTraces(traces(`${name}.`)))))
    await vi.waitUntil(() => kept.length === 6, WAIT)
    await receiver.close(10_000)
    for (const name of [...names, ...names.map((name) => `${name}.`)]) {
      expect(kept.some((row) => row.includes(name))).toBe(true)
    }
  },
  120_000,
)

test.concurrent('an idle Kafka receiver leaves its consumer group when it is closed', async () => {
  await using topic = await newTopic()
  const pipeline = createIngestPipeline(() => Promise.resolve())
  const options = { brokers: kafka().brokers, groupId: topic.name, topics: topic.map, pipeline, dataDir, log: () => {} }
  const receiver = await startKafkaReceiver(options)
  await topic.send([Buffer.from(encodeTraces(traces('only')))])
  await vi.waitFor(async () => expect(await topic.committed()).toBe('1'), WAIT)
  await receiver.close(3000)
  expect(await topic.members()).toBe(0)
}, 120_000)

test.concurrent('an unreachable broker is logged, and close does not wait for it', async () => {
  const log: [level: string | undefined, line: string][] = []
  const receiver = await startKafkaReceiver({
    brokers: ['127.0.0.1:1'],
    groupId: 'unused',
    topics: new Map([['otlp_spans', findSignal('traces')]]),
    pipeline: createIngestPipeline(() => Promise.resolve()),
    dataDir,
    log: (line, fields) => log.push([fields?.level, line]),
  })
  await vi.waitUntil(() => log.length > 0, WAIT)
  expect(log[0]).toEqual(['warn', expect.stringContaining("Kafka at 127.0.0.1:1 can't be read")])
  expect(receiver.getStatus().connectionFailures).toBeGreaterThan(0)
  await receiver.close(100)
})

const WAIT = { timeout: 60_000, interval: 100 }

async function newTopic(config: Readonly<Record<string, string>> = {}) {
  const name = `otlp-${randomBytes(4).toString('hex')}`
  await kafka().createTopic(name)
  const client = new Kafka({ clientId: 'test', brokers: kafka().brokers, logLevel: logLevel.NOTHING })
  const producer = client.producer()
  const admin = client.admin()
  await producer.connect()
  await admin.connect()
  const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }))
  if (configEntries.length > 0) {
    const resources = [{ type: ConfigResourceTypes.TOPIC, name, configEntries }]
    await admin.alterConfigs({ validateOnly: false, resources })
  }
  return {
    name,
    map: new Map([[name, findSignal('traces')]]),
    send: (values: readonly (Buffer | null)[], compression = CompressionTypes.None) =>
      producer.send({ topic: name, compression, messages: values.map((value) => ({ value })) }),
    committed: async () => {
      const [offsets] = await admin.fetchOffsets({ groupId: name, topics: [name] })
      return offsets?.partitions[0]?.offset
    },
    members: async () => (await admin.describeGroups([name])).groups[0]?.members.length,
    [Symbol.asyncDispose]: async () => {
      await producer.disconnect()
      await admin.disconnect()
    },
  }
}
