// Queries over a day of spans through the real HTTP API, idle and during ingest.
// npm run bench:query -- --spans 5000000
// With --data the data directory is kept, and a second run reuses its spans:
// npm run bench:query -- --data /some/empty/directory
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
    questions: { type: 'string', default: '200' },
    /** Ingest rate in spans per second during the second measurement. */
    rate: { type: 'string', default: '40000' },
    /** Data directory to keep; empty on the first run. @default a temporary one */
    data: { type: 'string' },
  },
})
const questions = Number(values.questions)
const dir = values.data ?? (await mkdtemp(join(tmpdir(), 'spanlink-query-bench-')))
try {
  const machine = describeMachine()
  const data = await datasetIn(dir)
  await using server = await startSpanlink({ dataDir: dir, timeout: 120_000 })
  const enginePid = (await server.enginePid()) ?? 0
  const { ids, users, startNano, endNano } = data
  const pick = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)] as T
  const number = (below: number): number => Math.floor(Math.random() * below)
  const window = `start=${startNano}&end=${endNano}`
  const hour = (): string => {
    const from = startNano + BigInt(number(23)) * 3_600_000_000_000n
    return `start=${from}&end=${from + 3_600_000_000_000n}`
  }
  const queries: readonly (readonly [name: string, bar: string, path: () => string, count: number])[] = [
    ['trace by id', '20', () => `/api/traces/${pick(ids.any)}`, questions],
    ['backlinks of any age', '10', () => `/api/traces/${pick(ids.linkedTo)}/links?direction=in`, questions],
    [
      'attribute, whole day',
      '500',
      () => `/api/traces?limit=20&${window}&q=${query(`{ span.user.id = "user-${number(users)}" }`)}`,
      Math.min(questions, 40),
    ],
    [
      'attribute, one hour',
      '',
      () => `/api/traces?limit=20&${hour()}&q=${query(`{ span.user.id = "user-${number(users)}" }`)}`,
      Math.min(questions, 60),
    ],
    [
      'service, operation, duration, one hour',
      '',
      () =>
        `/api/traces?limit=20&${hour()}&service=service-${number(SERVICES)}&operation=${query(`server operation-${number(OPERATIONS)}`)}&minDuration=40ms`,
      Math.min(questions, 60),
    ],
    [
      'attribute nobody has, whole day',
      '500',
      () => `/api/traces?limit=20&${window}&q=${query(`{ span.user.id = "nobody-${number(users)}" }`)}`,
      Math.min(questions, 40),
    ],
    [
      'attribute of span or resource, whole day',
      '500',
      () => `/api/traces?limit=20&${window}&q=${query(`{ .user.id = "user-${number(users)}" }`)}`,
      Math.min(questions, 20),
    ],
    [
      'attribute all have, whole day',
      '500',
      () => `/api/traces?limit=20&${window}&q=${query('{ span.network.protocol.version = "2" }')}`,
      Math.min(questions, 20),
    ],
    ['service list', '20', () => '/api/services', questions],
    [
      'page of 1,000 links',
      '',
      () => `/api/traces/${pick(ids.wide)}/links?direction=out&limit=1000`,
      Math.min(questions, 60),
    ],
    ['trace of 1,000 spans', '', () => `/api/traces/${ids.large.at(-1)}`, 20],
    ['trace of 100,000 spans', '', () => `/api/traces/${ids.large[0]}`, 3],
  ]
  const measure = async (): Promise<string[][]> => {
    const rows: string[][] = []
    for (const [name, bar, path, count] of queries) {
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
      const row = [name, String(count), p50, p95, cpu, bar, rejected === 0 ? '' : String(rejected)]
      process.stderr.write(`${row.join('  ')}\n`)
      rows.push(row)
    }
    return rows
  }
  await measureOnce()
  const idle = await measure()
  const stop = sendAtRate(server.otlpHttp, Number(values.rate))
  // The sender first generates its requests.
  await new Promise((resolve) => setTimeout(resolve, 15_000))
  const busy = await measure()
  const rate = await stop()
  const head = ['question', 'asked', 'p50 ms', 'p95 ms', 'CPU ms each', 'bar', 'refused']
  const perSpan = (bytes: number): string => (bytes / data.spans).toFixed(1)
  const lines = [
    'Questions over the HTTP API of the real server, embedded engine',
    '',
    ...machine,
    `data            ${data.spans.toLocaleString('en')} spans of 24 hours, 8 a trace and a spread up to 100,000, ${SERVICES} services,`,
    `                10 attributes, 25 % with a link to a trace of any age, some spans with 1,000 links`,
    `on disk         ${perSpan(data.bytesOnDisk)} B/span: ${Object.entries(data.bytesByTable)
      .map(([name, bytes]) => `${name} ${perSpan(bytes)}`)
      .filter((text) => !text.endsWith(' 0.0'))
      .join(', ')}`,
    '',
    'Idle',
    ...columns([head, ...idle]),
    '',
    `While ${Math.round(rate).toLocaleString('en')} spans/s are ingested, by the same two cores`,
    ...columns([head, ...busy]),
    '',
  ]
  process.stdout.write(lines.join('\n'))
  await writeFile(new URL('../results/query.txt', import.meta.url), lines.join('\n'))

  /** Warms up compiled code and opened files, as in a server that has run for a minute. */
  async function measureOnce(): Promise<void> {
    for (const [, , path] of queries.slice(0, -2))
      for (let i = 0; i < 5; i++) await (await fetch(server.url + path())).text()
  }
} finally {
  if (values.data === undefined) await rm(dir, { recursive: true, force: true })
}

/** Writes the dataset if missing; its metadata is stored beside it. */
async function datasetIn(directory: string): Promise<Dataset> {
  await mkdir(directory, { recursive: true })
  const notes = join(directory, 'bench-dataset.json')
  if (existsSync(notes)) return datasetOf(JSON.parse(await readFile(notes, 'utf8')))
  if (existsSync(join(directory, 'clickhouse'))) {
    throw new Error(`${directory} holds other data, or a load that was cut off: name an empty directory`)
  }
  const startedAt = performance.now()
  const written = await writeDataset(directory, Number(values.spans), (line) => process.stderr.write(`${line}\n`))
  process.stderr.write(`dataset written in ${Math.round((performance.now() - startedAt) / 1000)} s\n`)
  const asText = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value)
  await writeFile(notes, JSON.stringify(written, asText))
  return written
}

function datasetOf(notes: Dataset & { readonly startNano: string; readonly endNano: string }): Dataset {
  return { ...notes, startNano: BigInt(notes.startNano), endNano: BigInt(notes.endNano) }
}

function query(text: string): string {
  return encodeURIComponent(text)
}
