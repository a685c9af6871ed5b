import { seededRandom } from '@spanlink/testkit/otlp'
import { percentile } from '../report.ts'
import type { Query } from './queries.ts'

const WARM_UP_REQUESTS = 5
const MAX_WARM_UP_MS = 2_000
const MIN_REQUESTS = 3

export type MeasureOptions = {
  readonly url: string
  readonly usedSeconds: () => number
  readonly maxRequests: number
  /** Slow queries get fewer requests. */
  readonly maxMs: number
  readonly log: (line: string) => void
}

export const measuredColumns = ['query', 'requests', 'p50 ms', 'p95 ms', 'CPU ms each', 'rejected']

/** Sends requests of each query one by one; returns a row per query. */
export async function measureQueries(queries: readonly Query[], options: MeasureOptions): Promise<string[][]> {
  const rows: string[][] = []
  for (const query of queries) {
    const row = await measureQuery(query, options)
    options.log(row.join('  '))
    rows.push(row)
  }
  return rows
}

async function measureQuery({ name, path, results }: Query, options: MeasureOptions): Promise<string[]> {
  const random = seededRandom(1)
  const warmUpEnd = performance.now() + MAX_WARM_UP_MS
  for (let i = 0; i < WARM_UP_REQUESTS && performance.now() < warmUpEnd; i++) {
    const { body, isRejected } = await send(path(random))
    if (results === undefined || isRejected) continue
    const count = countResults(body)
    if (!(count >= results[0] && count <= results[1]))
      throw new Error(`${name}: expected ${results.join(' to ')} results, got ${count}: ${body.slice(0, 500)}`)
  }
  const times: number[] = []
  let rejected = 0
  const before = options.usedSeconds()
  const end = performance.now() + options.maxMs
  while (times.length < MIN_REQUESTS || (times.length < options.maxRequests && performance.now() < end)) {
    const next = path(random)
    const start = performance.now()
    const { isRejected } = await send(next)
    times.push(performance.now() - start)
    if (isRejected) rejected++
  }
  const cpuMs = ((options.usedSeconds() - before) / times.length) * 1000
  const [p50, p95] = [percentile(times, 0.5), percentile(times, 0.95)]
  return [
    name,
    String(times.length),
    p50.toFixed(1),
    p95.toFixed(1),
    cpuMs.toFixed(1),
    rejected === 0 ? '' : String(rejected),
  ]

  async function send(path: string): Promise<{ readonly body: string; readonly isRejected: boolean }> {
    const response = await fetch(options.url + path)
    const body = await response.text()
    // A query may exceed its time or memory limit, above all during ingest.
    const isRejected = [422, 503, 504].includes(response.status)
    if (!response.ok && !isRejected) throw new Error(`${name}: ${response.status} ${body.slice(0, 300)}`)
    return { body, isRejected }
  }
}

function countResults(body: string): number {
  const response = JSON.parse(body) as Readonly<Record<string, readonly unknown[] | undefined>>
  const list = ['traces', 'spans', 'links', 'lanes'].find((name) => response[name] !== undefined)
  return response[list ?? '']?.length ?? Number.NaN
}
