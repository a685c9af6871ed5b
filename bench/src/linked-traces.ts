// Flow, topology and message lists over one hour of traffic, through the real HTTP API.
// npm run bench:linked-traces -- --spans 10000000 [--data DIR] [--out FILE]
// An existing data directory is reused without writing it again.
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startSpanlink } from '@spanlink/testkit/spanlink'
import { type LinkedTracesDataset, TOPICS, writeLinkedTraces } from './linked-traces-dataset.ts'
import { sendWideFlow } from './wide-flow.ts'
import { describeMachine } from './machine.ts'
import { cpuSeconds } from './process-stats.ts'
import { columns, percentile } from './report.ts'

const { values } = parseArgs({
  options: {
    spans: { type: 'string', default: '10000000' },
    times: { type: 'string', default: '12' },
    data: { type: 'string' },
    out: { type: 'string' },
  },
})
const spans = Number(values.spans)
const dir = values.data ?? (await mkdtemp(join(tmpdir(), 'spanlink-linked-traces-bench-')))
try {
  const machine = describeMachine()
  const { startNano, endNano } = await openDataset()
  await using server = await startSpanlink({ dataDir: dir, timeout: 120_000 })
  const enginePid = (await server.enginePid()) ?? 0
  const flowId = await sendWideFlow(server)
  const hour = `start=${startNano}&end=${endNano}`
  const randomTopic = (): string => `topic-${Math.floor(Math.random() * TOPICS)}`
  const randomGroup = (): string => `group-${Math.floor(Math.random() * TOPICS)}-1`
  const queries: readonly (readonly [name: string, targetMs: string, path: () => string])[] = [
    ['flow of 200 traces, 2,000 links', '200', () => `/api/flows/${flowId}`],
    ['topology of the hour', '500', () => `/api/topology?${hour}`],
    ...(['unconsumed', 'late', 'redelivered', 'retried', 'dead-lettered'] as const).flatMap(
      (list): (readonly [string, string, () => string])[] => [
        [`messages ${list}`, '', () => `/api/messages/${list}?${hour}`],
        [`messages ${list}, one topic`, '', () => `/api/messages/${list}?${hour}&topic=${randomTopic()}`],
        [`messages ${list}, one group`, '', () => `/api/messages/${list}?${hour}&consumerGroup=${randomGroup()}`],
      ],
    ),
  ]
  const rows: string[][] = []
  for (const [name, targetMs, path] of queries) {
    await fetchBody(path())
    const times: number[] = []
    const before = cpuSeconds(server.pid) + cpuSeconds(enginePid)
    for (let i = 0; i < Number(values.times); i++) {
      const start = performance.now()
      await fetchBody(path())
      times.push(performance.now() - start)
    }
    const cpu = ((cpuSeconds(server.pid) + cpuSeconds(enginePid) - before) / times.length) * 1000
    const row = [name, percentile(times, 0.5).toFixed(0), percentile(times, 0.95).toFixed(0), cpu.toFixed(0), targetMs]
    process.stderr.write(`${row.join('  ')}\n`)
    rows.push(row)
  }
  const text = [
    'Flow, topology and messages over the HTTP API of the real server, embedded engine',
    '',
    ...machine,
    `data            ${spans.toLocaleString('en')} spans of one hour, ${TOPICS} topics with three consumer groups each`,
    `requests        ${values.times} per query after one warm-up; CPU of server and engine together`,
    '',
    ...columns([['query', 'p50 ms', 'p95 ms', 'CPU ms each', 'target ms'], ...rows]),
    '',
  ].join('\n')
  process.stdout.write(text)
  if (values.out !== undefined) await writeFile(values.out, text)

  async function fetchBody(path: string): Promise<void> {
    const response = await fetch(server.url + path)
    const body = await response.text()
    if (!response.ok) throw new Error(`${path}: ${response.status} ${body.slice(0, 300)}`)
  }
} finally {
  if (values.data === undefined) await rm(dir, { recursive: true, force: true })
}

async function openDataset(): Promise<LinkedTracesDataset> {
  const file = join(dir, 'linked-traces.json')
  if (existsSync(file)) {
    const stored = JSON.parse(await readFile(file, 'utf8')) as Record<keyof LinkedTracesDataset, string>
    return { startNano: BigInt(stored.startNano), endNano: BigInt(stored.endNano) }
  }
  const startedAt = performance.now()
  const written = await writeLinkedTraces(dir, spans, (line) => process.stderr.write(`${line}\n`))
  process.stderr.write(`dataset written in ${Math.round((performance.now() - startedAt) / 1000)} s\n`)
  await writeFile(
    file,
    JSON.stringify(written, (_, value: unknown) => (typeof value === 'bigint' ? `${value}` : value)),
  )
  return written
}
