// Peak and idle memory of receiver and engine together. The peak is measured while 16 senders send
// 8,192 spans per request and expensive queries run.
// npm run bench:memory -- --seconds 30 --memory 1GiB
import { mkdirSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { encodeTraces, generateRequests } from '@spanlink/testkit/otlp'
import { startSpanlink } from '@spanlink/testkit/spanlink'
import { describeMachine } from './machine.ts'
import { residentMiB } from './process-stats.ts'
import { table } from './report.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '30' },
    memory: { type: 'string', default: '1GiB' },
    senders: { type: 'string', default: '16' },
    batch: { type: 'string', default: '8192' },
  },
})
const seconds = Number(values.seconds)
const senders = Number(values.senders)
const batch = Number(values.batch)

/** Expensive queries over all data. */
const QUERIES = [
  '/api/traces?limit=500',
  `/api/traces?q=${encodeURIComponent('{ span.a0 =~ ".*9.*" } | by(resource.service.name) | count() > 1')}&limit=500`,
  `/api/traces?q=${encodeURIComponent('{ } | select(span.a0, span.a1, name)')}&limit=500`,
  '/api/topology',
  '/api/attributes',
  '/api/services',
  '/api/messages/unconsumed',
]
const QUERY_CLIENTS = 4

const machine = describeMachine()
const bodies = Array.from(
  generateRequests({ spans: 12 * batch, attributes: 10, linkRatio: 0.25, seed: 7 }, batch),
  (one) => Buffer.from(encodeTraces(one)),
)
await using server = await startSpanlink({ args: values.memory === '' ? [] : ['--max-memory', values.memory] })
let enginePid = (await server.enginePid()) ?? 0
await sleep(10_000)
const idle = { receiver: residentMiB(server.pid), engine: residentMiB(enginePid) }

const most = { receiver: 0, engine: 0, sum: 0 }
const counts = { acked: 0, pushedBack: 0, failed: 0, succeeded: 0, tooHeavy: 0 }
let next = 0
const end = performance.now() + seconds * 1000
const running = (): boolean => performance.now() < end

await Promise.all([
  watch(),
  ...Array.from({ length: senders }, send),
  ...Array.from({ length: QUERY_CLIENTS }, (_, at) => sendQueries(at)),
])
while (((await server.getJson('/api/status')) as Status).journal.bytes > 0) await sleep(100)
const last = (await server.getJson('/api/status')) as Status
const after = { receiver: residentMiB(server.pid), engine: residentMiB(enginePid) }

const whole = (count: number): string => Math.round(count).toLocaleString('en')
const lines = [
  'Memory of receiver and engine (MiB resident), pushed to its limit',
  '',
  ...machine,
  `load            ${senders} senders, ${batch} spans a request, for ${seconds} s; ${QUERY_CLIENTS} clients with expensive queries beside them`,
  `limit           --max-memory ${values.memory}`,
  '',
  ...table([
    ['idle, ten seconds after the start: receiver', whole(idle.receiver)],
    ['  engine', whole(idle.engine)],
    ['most under load, both together', whole(most.sum)],
    ['  receiver, at any moment', whole(most.receiver)],
    ['  engine, at any moment', whole(most.engine)],
    ['after the load: receiver', whole(after.receiver)],
    ['  engine', whole(after.engine)],
    ['spans acked', whole(counts.acked)],
    ['requests rejected with Retry-After', whole(counts.pushedBack)],
    ['requests failed otherwise', whole(counts.failed)],
    ['queries succeeded', whole(counts.succeeded)],
    ['queries rejected as too expensive or too slow', whole(counts.tooHeavy)],
    ['engine restarts', whole(last.engine.restarts)],
    ['spans stored', whole(last.store.spans)],
  ]),
]
const text = `${lines.join('\n')}\n`
process.stdout.write(text)
const folder = new URL('../results/', import.meta.url)
mkdirSync(folder, { recursive: true })
writeFileSync(new URL('memory.txt', folder), text)
if (last.store.spans !== counts.acked || counts.failed > 0) process.exitCode = 1

type Status = {
  readonly journal: { readonly bytes: number }
  readonly engine: { readonly restarts: number }
  readonly store: { readonly spans: number }
}

async function watch(): Promise<void> {
  while (running()) {
    const now = { receiver: residentMiB(server.pid), engine: residentNow(enginePid) }
    most.receiver = Math.max(most.receiver, now.receiver)
    most.engine = Math.max(most.engine, now.engine)
    most.sum = Math.max(most.sum, now.receiver + now.engine)
    await sleep(20)
    enginePid = (await server.enginePid()) ?? enginePid
  }
}

/** Returns 0 for an engine that just died; the number of engine restarts is reported at the end. */
function residentNow(pid: number): number {
  try {
    return residentMiB(pid)
  } catch {
    return 0
  }
}

async function send(): Promise<void> {
  while (running()) {
    const body = bodies[next++ % bodies.length] as Buffer
    const headers = { 'content-type': 'application/x-protobuf' }
    const response = await fetch(`${server.otlpHttp}/v1/traces`, {
      method: 'POST',
      headers,
      body: new Uint8Array(body),
    })
    await response.arrayBuffer()
    if (response.status === 200) counts.acked += batch
    else if (response.status === 503 || response.status === 429) {
      counts.pushedBack++
      await sleep(Number(response.headers.get('retry-after')) * 1000)
    } else counts.failed++
  }
}

async function sendQueries(first: number): Promise<void> {
  for (let at = first; running(); at++) {
    const response = await fetch(server.url + (QUERIES[at % QUERIES.length] ?? ''))
    await response.arrayBuffer()
    if (response.ok) counts.succeeded++
    else counts.tooHeavy++
  }
}
