// Queries over a day of spans through the real HTTP API, idle and during ingest.
// npm run bench:query -- --spans 5000000 --data DIR
// With --data the directory is kept, and a second run reuses its spans.
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startSpanlink } from '@spanlink/testkit/spanlink'
import { sendAtRate } from './rate-limited-ingest.ts'
import { describeMachine } from './machine.ts'
import { cpuSeconds } from './process-stats.ts'
import { type Dataset, OPERATIONS, SERVICES, writeDataset } from './query-dataset.ts'
import { columns, percentile } from './report.ts'

const { values } = parseArgs({
  options: {
    spans: { type: 'string', default: '100000000' },
    /** Requests per query; expensive queries get fewer. */
    queries: { type: 'string', default: '200' },
    /** Ingest rate in spans per second during the second measurement. */
    rate: { type: 'string', default: '40000' },
    /** Data directory to keep; empty on the first run. @default a temporary one */
    data: { type: 'string' },
  },
})
const requests = Number(values.queries)
const dir = values.data ?? (await mkdtemp(join(tmpdir(), 'spanlink-query-bench-')))
try {
  const machine = describeMachine()
  const data = await openDataset(dir)
  await using server = await startSpanlink({ dataDir: dir, timeout: 120_000 })
  const enginePid = (await server.enginePid()) ?? 0
  const { ids, users, startNano, endNano } = data
  const pickRandom = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)] as T
  const randomBelow = (below: number): number => Math.floor(Math.random() * below)
  const wholeDay = `start=${startNano}&end=${endNano}`
  const randomHour = (): string => {
    const from = startNano + BigInt(randomBelow(23)) * 3_600_000_000_000n
    return `start=${from}&end=${from + 3_600_000_000_000n}`
  }
  const queries: readonly (readonly [name: string, targetMs: string, path: () => string, count: number])[] = [
    ['trace by id', '20', () => `/api/traces/${pickRandom(ids.any)}`, requests],
    ['backlinks of any age', '10', () => `/api/traces/${pickRandom(ids.linkedTo)}/links?direction=in`, requests],
    [
      'attribute, whole day',
      '500',
      () => `/api/traces?limit=20&${wholeDay}&q=${encodeQuery(`{ span.user.id = "user-${randomBelow(users)}" }`)}`,
      Math.min(requests, 40),
    ],
    [
      'attribute, one hour',
      '',
      () => `/api/traces?limit=20&${randomHour()}&q=${encodeQuery(`{ span.user.id = "user-${randomBelow(users)}" }`)}`,
      Math.min(requests, 60),
    ],
    [
      'service, operation, duration, one hour',
      '',
      () =>
        `/api/traces?limit=20&${randomHour()}&service=service-${randomBelow(SERVICES)}&operation=${encodeQuery(`server operation-${randomBelow(OPERATIONS)}`)}&minDuration=40ms`,
      Math.min(requests, 60),
    ],
    [
      'attribute value of no span, whole day',
      '500',
      () => `/api/traces?limit=20&${wholeDay}&q=${encodeQuery(`{ span.user.id = "unknown-${randomBelow(users)}" }`)}`,
      Math.min(requests, 40),
    ],
    [
      'attribute of span or resource, whole day',
      '500',
      () => `/api/traces?limit=20&${wholeDay}&q=${encodeQuery(`{ .user.id = "user-${randomBelow(users)}" }`)}`,
      Math.min(requests, 20),
    ],
    [
      'attribute value of every span, whole day',
      '500',
      () => `/api/traces?limit=20&${wholeDay}&q=${encodeQuery('{ span.network.protocol.version = "2" }')}`,
      Math.min(requests, 20),
    ],
    ['service list', '20', () => '/api/services', requests],
    [
      'page of 1,000 links',
      '',
      () => `/api/traces/${pickRandom(ids.wide)}/links?direction=out&limit=1000`,
      Math.min(requests, 60),
    ],
    ['trace of 1,000 spans', '', () => `/api/traces/${ids.large.at(-1)}`, 20],
    ['trace of 100,000 spans', '', () => `/api/traces/${ids.large[0]}`, 3],
  ]
  const measure = async (): Promise<string[][]> => {
    const rows: string[][] = []
    for (const [name, targetMs, path, count] of queries) {
      const times: number[] = []
      let rejected = 0
      const before = cpuSeconds(server.pid) + cpuSeconds(enginePid)
      for (let i = 0; i < count; i++) {
        const start = performance.now()
        const response = await fetch(server.url + path())
        const text = await response.text()
        // During ingest a query over a day may exceed its time or memory limit; that counts as
        // rejected.
        if ([422, 503, 504].includes(response.status)) rejected++
        else if (!response.ok) throw new Error(`${name}: ${response.status} ${text.slice(0, 300)}`)
        times.push(performance.now() - start)
      }
      const used = cpuSeconds(server.pid) + cpuSeconds(enginePid) - before
      const cpu = ((used / count) * 1000).toFixed(1)
      const [p50, p95] = [percentile(times, 0.5).toFixed(1), percentile(times, 0.95).toFixed(1)]
      const row = [name, String(count), p50, p95, cpu, targetMs, rejected === 0 ? '' : String(rejected)]
      process.stderr.write(`${row.join('  ')}\n`)
      rows.push(row)
    }
    return rows
  }
  await warmUp()
  const idle = await measure()
  const stop = sendAtRate(server.otlpHttp, Number(values.rate))
  // The sender first generates its requests.
  await new Promise((resolve) => setTimeout(resolve, 15_000))
  const underIngest = await measure()
  const rate = await stop()
  const head = ['query', 'requests', 'p50 ms', 'p95 ms', 'CPU ms each', 'target ms', 'rejected']
  const perSpan = (bytes: number): string => (bytes / data.spans).toFixed(1)
  const lines = [
    'Queries over the HTTP API of the real server, embedded engine',
    '',
    ...machine,
    `data            ${data.spans.toLocaleString('en')} spans of 24 hours, 8 per trace, some traces of up to 100,000, ${SERVICES} services,`,
    `                10 attributes, 25 % with a link to an earlier trace, some spans with 1,000 links`,
    `on disk         ${perSpan(data.bytesOnDisk)} B/span: ${Object.entries(data.bytesByTable)
      .map(([name, bytes]) => `${name} ${perSpan(bytes)}`)
      .filter((text) => !text.endsWith(' 0.0'))
      .join(', ')}`,
    '',
    'Idle',
    ...columns([head, ...idle]),
    '',
    `While ingesting ${Math.round(rate).toLocaleString('en')} spans/s on the same cores`,
    ...columns([head, ...underIngest]),
    '',
  ]
  process.stdout.write(lines.join('\n'))
  await writeFile(new URL('../results/query.txt', import.meta.url), lines.join('\n'))

  /** Warms up compiled code and opened files, as in a server that has run for a minute. */
  async function warmUp(): Promise<void> {
    for (const [, , path] of queries.slice(0, -2))
      for (let i = 0; i < 5; i++) await (await fetch(server.url + path())).text()
  }
} finally {
  if (values.data === undefined) await rm(dir, { recursive: true, force: true })
}

/** Writes the dataset if missing; its metadata is stored beside it. */
async function openDataset(directory: string): Promise<Dataset> {
  await mkdir(directory, { recursive: true })
  const metadataFile = join(directory, 'bench-dataset.json')
  if (existsSync(metadataFile)) return parseDataset(JSON.parse(await readFile(metadataFile, 'utf8')))
  if (existsSync(join(directory, 'clickhouse'))) {
    throw new Error(`${directory} holds other data or an interrupted load: pass an empty directory`)
  }
  const startedAt = performance.now()
  const written = await writeDataset(directory, Number(values.spans), (line) => process.stderr.write(`${line}\n`))
  process.stderr.write(`dataset written in ${Math.round((performance.now() - startedAt) / 1000)} s\n`)
  const asText = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value)
  await writeFile(metadataFile, JSON.stringify(written, asText))
  return written
}

function parseDataset(metadata: Dataset & { readonly startNano: string; readonly endNano: string }): Dataset {
  return { ...metadata, startNano: BigInt(metadata.startNano), endNano: BigInt(metadata.endNano) }
}

function encodeQuery(text: string): string {
  return encodeURIComponent(text)
}
