import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LogsResponse, MetricsResponse, TraceResponse } from '@spanlink/api-schema'
import type { KafkaBroker } from '@spanlink/testkit/kafka'
import { type SpanlinkServer, startSpanlink } from '@spanlink/testkit/spanlink'
import { startProgram } from './programs.ts'
import type { Results } from './results.ts'
import { buildGo, MissingToolchainError } from './toolchains.ts'

/** Sent by the Go program in ../collector: spans per request, and requests per signal. */
const SPANS = 100
const REQUESTS = 10

/** Codec bits of record batch attributes: none, gzip, snappy, lz4, zstd. */
const CODECS = [0, 1, 2, 3, 4]

/** The topics of the Collector's Kafka exporter, read by `spanlink serve --kafka-brokers`. */
export async function checkCollector(results: Results, kafka: KafkaBroker, main: string): Promise<void> {
  let program: string
  try {
    program = await buildGo('collector')
  } catch (error) {
    if (error instanceof MissingToolchainError) return results.skip('collector', error.message)
    return await results.check('collector', 'builds', () => Promise.reject(error as Error))
  }
  const topics = { traces: 'otlp_spans', logs: 'otlp_logs', metrics: 'otlp_metrics' }
  for (const topic of Object.values(topics)) await kafka.createTopic(topic)
  const { sent, codecs } = await exportAll(program, kafka)
  await results.check('collector', `sends ${REQUESTS} requests of each signal`, () => assert.equal(sent.size, REQUESTS))
  await results.check('collector', 'record batches are compressed by each codec', () => {
    assert.deepEqual(codecs, [...CODECS, ...CODECS])
  })
  const assignments = Object.entries(topics).map(([signal, topic]) => `${signal}=${topic}`)
  const args = ['--kafka-brokers', kafka.brokers.join(','), '--kafka-topics', assignments.join(',')]
  let spanlink: SpanlinkServer | undefined
  await results.check('collector', 'the server starts with --kafka-brokers', async () => {
    spanlink = await startSpanlink({ main, args })
  })
  if (spanlink === undefined) return
  await using server = spanlink
  for (const [service, traceId] of sent) {
    await results.check('collector', `traces of ${service}`, async () => {
      const { spans } = await eventually(
        server,
        `/api/traces/${traceId}`,
        (response: TraceResponse) => response.spans.length > 0,
      )
      assert.equal(spans.length, SPANS)
      assert.deepEqual(new Set(spans.map((span) => span.service)), new Set([service]))
    })
    await results.check('collector', `logs of ${service}`, async () => {
      const path = `/api/logs?service=${service}`
      const { logs } = await eventually(server, path, (response: LogsResponse) => response.logs.length > 0)
      assert.deepEqual(
        logs.map(({ body }) => body),
        [{ stringValue: `sent by ${service}` }],
      )
    })
    await results.check('collector', `metrics of ${service}`, async () => {
      const path = `/api/metrics?service=${service}`
      const { metrics } = await eventually(server, path, (response: MetricsResponse) => response.metrics.length > 0)
      assert.deepEqual(
        metrics.map(({ name, type }) => ({ name, type })),
        [{ name: 'work.done', type: 'gauge' }],
      )
    })
  }
}

/** Trace ids sent, by service, and the codecs of the stored batches. */
async function exportAll(program: string, kafka: KafkaBroker) {
  const sent = new Map<string, string>()
  const codecs: number[] = []
  const exporter = await startProgram('collector', [program], { KAFKA_BROKERS: kafka.brokers.join(',') }, 0, (line) => {
    const [word, first = '', second = ''] = line.split(' ')
    if (word === 'sent') sent.set(first, second)
    if (word === 'stored') codecs.push(Number(first))
  })
  await exporter.ended
  return { sent, codecs }
}

/** The response once it fulfils the condition; the last one otherwise. */
async function eventually<T>(spanlink: SpanlinkServer, path: string, isDone: (response: T) => boolean): Promise<T> {
  const deadline = Date.now() + TIMEOUT_MS
  for (;;) {
    const response = await fetch(spanlink.url + path)
    const body = (await response.json()) as T
    if (response.ok && isDone(body)) return body
    if (Date.now() > deadline) throw new Error(`GET ${path}: ${response.status} ${JSON.stringify(body)}`)
    await sleep(100)
  }
}

const TIMEOUT_MS = 15_000
