// End-to-end ingest: spans sent over OTLP/HTTP until acknowledged, stored and returned by the API.
// npm run bench:ingest -- --spans 300000 --batch 512 --senders 4
// Compare figures per CPU-second: server and senders share the cores, which distorts wall time.
import { mkdirSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { encodeTraces, generateRequests } from '@spanlink/testkit/otlp'
import { startSpanlink } from '@spanlink/testkit/spanlink'
import { decodeRates } from './decode-rates.ts'
import { sendAll } from './ingest-senders.ts'
import { delaysUntilQueryable } from './queryable-delay.ts'
import { describeMachine } from './machine.ts'
import { cpuSeconds, residentMiB } from './process-stats.ts'
import { columns, percentile, table } from './report.ts'
import { observeServer } from './settle.ts'

const { values } = parseArgs({
  options: {
    spans: { type: 'string', default: '300000' },
    batch: { type: 'string', default: '512' },
    senders: { type: 'string', default: '4' },
    attributes: { type: 'string', default: '10' },
  },
})
const spans = Number(values.spans)
const batch = Number(values.batch)
const senders = Number(values.senders)
const attributes = Number(values.attributes)

const BATCHES = [1, 50, 512, 8192]
const MAX_REQUESTS = 4000

const machine = describeMachine()
const load = generateRequests({ spans, attributes, linkRatio: 0.25, seed: 7 }, batch)
const bodies = Array.from(load, (request) => Buffer.from(encodeTraces(request)))
const wireBytes = bodies.reduce((sum, body) => sum + body.length, 0)

await using server = await startSpanlink()
using observer = await observeServer(server)
const { fetchStatus, waitUntilStored, waitUntilSettled } = observer
const enginePid = (await server.enginePid()) ?? 0
// Warm-up: compiled code and opened files, as in a server that has run for a minute.
const warmUp = generateRequests({ spans: 20_000, attributes, seed: 8 }, batch)
await sendAll(
  server.otlpHttp,
  Array.from(warmUp, (request) => Buffer.from(encodeTraces(request))),
  senders,
)
await waitUntilStored()
const probingIdle = delaysUntilQueryable(server.otlpHttp, server.url)
await pause(4000)
const idleDelays = await probingIdle.stop()
const idle = await fetchStatus()

const before = { server: cpuSeconds(server.pid), engine: cpuSeconds(enginePid) }
const start = performance.now()
const acks = await sendAll(server.otlpHttp, bodies, senders)
const ackedMs = performance.now() - start
await waitUntilStored()
const storedMs = performance.now() - start
const receiverSeconds = cpuSeconds(server.pid) - before.server
const engineSeconds = cpuSeconds(enginePid) - before.engine
const memory = { receiver: residentMiB(server.pid), engine: residentMiB(enginePid) }
await waitUntilSettled()
const mergeSeconds = cpuSeconds(enginePid) - before.engine - engineSeconds
const end = await fetchStatus()
const stored = end.store.spans - idle.store.spans
if (stored !== spans) throw new Error(`${spans} spans were acked, ${stored} are stored`)

// Measured separately, because polling a hundred times a second adds load.
const probing = delaysUntilQueryable(server.otlpHttp, server.url)
await sendAll(server.otlpHttp, bodies, senders)
const delays = await probing.stop()
await waitUntilStored()

const batches: string[][] = []
for (const each of BATCHES) {
  for (const count of [1, 16]) {
    const batchSpans = Math.min(spans, each * MAX_REQUESTS)
    const requests = generateRequests({ spans: batchSpans, attributes, linkRatio: 0.25, seed: 9 }, each)
    const encoded = Array.from(requests, (request) => Buffer.from(encodeTraces(request)))
    const used = cpuSeconds(server.pid) + cpuSeconds(enginePid)
    const startedAt = performance.now()
    const waits = await sendAll(server.otlpHttp, encoded, count)
    const ms = performance.now() - startedAt
    await waitUntilStored()
    const seconds = cpuSeconds(server.pid) + cpuSeconds(enginePid) - used
    batches.push([
      formatWhole(each),
      formatWhole(count),
      formatWhole((batchSpans / ms) * 1000),
      formatWhole(batchSpans / seconds),
      percentile(waits, 0.5).toFixed(1),
      percentile(waits, 0.99).toFixed(1),
    ])
  }
}

const jsonLoad = generateRequests({ spans, attributes, linkRatio: 0.25, seed: 7 }, batch)
const jsonBodies = Array.from(jsonLoad, (request) => Buffer.from(JSON.stringify(request)))
const rates = decodeRates(bodies, jsonBodies, spans)
const lines = [
  'Ingest: OTLP/HTTP protobuf to queryable rows, links indexed in both directions',
  '',
  ...machine,
  `engine          ClickHouse ${end.engine.version}, embedded`,
  `load            ${formatWhole(spans)} spans, ${attributes} attributes, 25 % with a link, ${Math.round(wireBytes / spans)} B/span on the wire;`,
  `                ${senders} senders on the same machine, ${batch} spans per request, no compression`,
  '',
  ...table([
    ['acked', `${formatWhole((spans / ackedMs) * 1000)} spans/s`],
    ['stored and queryable', `${formatWhole((spans / storedMs) * 1000)} spans/s`],
    ['per CPU-second, receiver and engine', `${formatWhole(spans / (receiverSeconds + engineSeconds))} spans`],
    ['  receiver alone', `${formatWhole(spans / receiverSeconds)} spans`],
    ['  engine alone', `${formatWhole(spans / engineSeconds)} spans`],
    ['  engine with merges until they settle', `${formatWhole(spans / (engineSeconds + mergeSeconds))} spans`],
    ['ack, p50', `${percentile(acks, 0.5).toFixed(1)} ms`],
    ['ack, p99', `${percentile(acks, 0.99).toFixed(1)} ms`],
    ['ack to queryable without load, p50', `${formatWhole(percentile(idleDelays, 0.5))} ms`],
    ['ack to queryable without load, max', `${formatWhole(percentile(idleDelays, 1))} ms`],
    ['ack to queryable under this load, p50', `${formatWhole(percentile(delays, 0.5))} ms`],
    ['ack to queryable under this load, max', `${formatWhole(percentile(delays, 1))} ms`],
    ['on disk, all tables and indexes, merged', `${(end.store.bytesOnDisk / end.store.spans).toFixed(1)} B/span`],
    ['memory after the load, receiver', `${memory.receiver} MiB RSS`],
    ['memory after the load, engine', `${memory.engine} MiB RSS`],
  ]),
  '',
  'Acks by batch and senders; CPU of receiver and engine, concurrent merges included:',
  ...columns([
    ['spans per request', 'senders', 'acked spans/s', 'spans per CPU-second', 'ack p50 ms', 'ack p99 ms'],
    ...batches,
  ]),
  '',
  'The same requests decoded in this process, spans per CPU-second:',
  ...table([
    ['Spanlink transcoder, to RowBinary rows', formatWhole(rates.transcode)],
    ['Spanlink OTLP/JSON transcoder, to RowBinary rows', formatWhole(rates.transcodeJson)],
    ['JSON.parse, to objects only', formatWhole(rates.jsonObjects)],
    ['protobufjs, to objects only', formatWhole(rates.protobufObjects)],
    ['protobufjs, objects to JSONEachRow text', formatWhole(rates.protobufRows)],
  ]),
  '',
]
process.stdout.write(`${lines.join('\n')}\n`)
const results = new URL('../results/', import.meta.url)
mkdirSync(results, { recursive: true })
writeFileSync(new URL('ingest.txt', results), lines.join('\n'))

function formatWhole(value: number): string {
  return Math.round(value).toLocaleString('en')
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
