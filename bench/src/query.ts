// Ingest and queries through the HTTP API of the built server, with the embedded ClickHouse.
//   npm run bench:query                                  the columns of the comparison with peers
//   npm run bench:query -- --large --spans 10000000      all queries on a larger data set
//   … --large --spans 100000000 --hours 24 --rate 40000  then again while spans are sent
// --server DIR measures another built clone. --data DIR keeps the data set, and a second run reuses
// it. The same --spans, --hours and --end give the same bytes.
import { execFileSync } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startSpanlink } from '@spanlink/testkit/spanlink'
import { describeMachine } from './machine.ts'
import { type Dataset, holdsDataset, loadDataset, markLoaded, measureTables } from './query/load.ts'
import { measuredColumns, measureQueries } from './query/measure.ts'
import { createQueries, HOUR_NANO } from './query/queries.ts'
import { SERVICES, SPANS_PER_ORDER } from './query/traffic.ts'
import { sendAtRate } from './rate-limited-ingest.ts'
import { columns, table } from './report.ts'
import { observeServer } from './settle.ts'

const { values } = parseArgs({
  options: {
    /** All queries, on traffic with messages and large traces. */
    large: { type: 'boolean', default: false },
    spans: { type: 'string', default: '2000000' },
    hours: { type: 'string', default: '1' },
    /** End of the data. */
    end: { type: 'string', default: '2026-11-30T00:00:00Z' },
    /** Requests per query, at most. */
    requests: { type: 'string', default: '200' },
    /** Seconds per query, at most. */
    seconds: { type: 'string', default: '20' },
    /** Spans per second during a second measurement. @default no second measurement */
    rate: { type: 'string' },
    data: { type: 'string' },
    server: { type: 'string', default: fileURLToPath(new URL('../..', import.meta.url)) },
    out: { type: 'string', default: fileURLToPath(new URL('../results/query.txt', import.meta.url)) },
  },
})

const log = (line: string): void => void process.stderr.write(`${line}\n`)
const machine = describeMachine()
const dataDir = values.data ?? (await mkdtemp(join(tmpdir(), 'spanlink-query-bench-')))
await mkdir(dataDir, { recursive: true })
try {
  const lines = [`${new Date().toISOString().slice(0, 10)}, ${describeCommit()}`, '', ...machine, ...(await run()), '']
  process.stdout.write(lines.join('\n'))
  appendFileSync(values.out, `\n${lines.join('\n')}`)
} finally {
  if (values.data === undefined) await rm(dataDir, { recursive: true, force: true })
}

async function run(): Promise<string[]> {
  const dataset = createDataset()
  const isLoaded = await holdsDataset(dataDir, dataset)
  const main = join(resolve(values.server), 'packages/server/dist/cli/main.js')
  await using server = await startSpanlink({ dataDir, main, timeout: 120_000 })
  using observer = await observeServer(server)
  await observer.waitUntilSettled()
  const idleMiB = observer.residentMiB()
  const ingest = isLoaded ? [] : await loadDataset(server, observer, dataset, log)
  if (!isLoaded) await markLoaded(dataDir, dataset)
  const measure = async (extraNano: bigint): Promise<string[]> => {
    const { compared, large } = createQueries(dataset, extraNano)
    const limits = { maxRequests: Number(values.requests), maxMs: Number(values.seconds) * 1000 }
    const { usedSeconds } = observer
    const rows = await measureQueries(values.large ? large : compared, { url: server.url, usedSeconds, ...limits, log })
    return columns([measuredColumns, ...rows])
  }
  const idle = await measure(0n)
  const { store, engine } = await observer.fetchStatus()
  const sizes = await measureTables(dataDir)
  const underIngest: string[] = []
  if (values.rate !== undefined) {
    // Searches include the spans that are sent: in time, they follow the data set.
    const firstOrder = Math.ceil(store.spans / SPANS_PER_ORDER)
    const next = { firstOrder, fromNano: dataset.endNano }
    const stop = sendAtRate(server.otlpHttp, Number(values.rate), dataset.traffic, next)
    // The first merges.
    await sleep(15_000)
    const rows = await measure(HOUR_NANO)
    underIngest.push('', `While ${Math.round(await stop()).toLocaleString('en')} spans/s are sent`, ...rows)
  }
  return [
    `engine          ClickHouse ${engine.version}, embedded`,
    `data            ${store.spans.toLocaleString('en')} spans of ${values.hours} h${isLoaded ? ', of an earlier run' : ''}: 10 attributes, 25 % with a link`,
    `                ${values.large ? 'to the message that they consume or to a trace of any age' : 'to a trace of any age'}, 8 a trace, ${SERVICES} services`,
    '',
    ...table([
      ...ingest,
      ['RSS MiB idle / max', `${idleMiB} / ${observer.maxResidentMiB()}`],
      ...sizes
        .filter(([, bytes]) => bytes > store.spans / 10)
        .map(([name, bytes]) => [`files of ${name}, B/span`, (bytes / store.spans).toFixed(1)] as const),
    ]),
    '',
    'Idle',
    ...idle,
    ...underIngest,
  ]
}

function createDataset(): Dataset {
  const orders = Math.floor(Number(values.spans) / SPANS_PER_ORDER)
  const rangeNano = Number(values.hours) * Number(HOUR_NANO)
  const endNano = BigInt(Date.parse(values.end)) * 1_000_000n
  const traffic = {
    startNano: endNano - BigInt(rangeNano),
    orderIntervalNano: rangeNano / orders,
    users: Math.ceil(orders / 2),
    hasRandomLinks: !values.large,
  }
  return { traffic, orders, endNano, hasSpecialTraces: values.large }
}

/** The commit of the measured server, which is built from the files of its directory. */
function describeCommit(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', ['-C', values.server, ...args], { encoding: 'utf8' }).trim()
  return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', 'packages') === '' ? '' : ' with changes')
}
