import { isTooHeavy } from '../../../clickhouse/store-error.ts'
import type { TopologyRequest } from '../topology-request.ts'
import { readTraces } from './read-traces.ts'
import type { TraceSample } from './sampled-span.ts'
import { scanSpans } from './scan-spans.ts'

/** Spans and messages of the window, as the rollup counts them. */
export type Population = {
  readonly count: number
  /** Days when they arrived, in seconds since 1970. */
  readonly firstDay: number
  readonly lastDay: number
  /** Some consuming spans name no topic. */
  readonly hasUnnamedConsumers: boolean
}

/** Larger windows are sampled. 12,000 spans take about 50 ms of CPU time here. */
const MAX_SPANS = Number(process.env.T ?? 12_000)

/**
 * Takes whole traces of the window, about `MAX_SPANS` spans. A small window is scanned, and a share
 * of its traces selected by hash. In a large one, a share of the trace ids is read from the fetch
 * rows, which are sorted by it, unless ids are not random.
 */
export async function takeSample(request: TopologyRequest, population: Population): Promise<TraceSample> {
  const { count, firstDay, lastDay, hasUnnamedConsumers: withLinkRecords } = population
  const oneIn = Math.max(1, Math.ceil(count / MAX_SPANS))
  if (oneIn > 1) {
    const rows = await countTraceRows(request, population)
    const ranged = chooseRange(count, rows)
    if (ranged !== undefined) {
      const range = { below: Math.floor(2 ** 32 / ranged.oneIn), firstDay, lastDay, maxRows: ranged.maxRows }
      const sample = await readTraces(request, { ...range, withLinkRecords }).catch((error: unknown) => {
        if (!isTooHeavy(error)) throw error
        return undefined
      })
      const size = countSpans(sample?.traces)
      const expected = count / ranged.oneIn
      if (sample !== undefined && size > expected / 4 && size < expected * 4) return { ...sample, oneIn: ranged.oneIn }
    }
  }
  const inSample = (traceId: string): string => `cityHash64(${traceId}) % ${oneIn} = 0`
  const scan = oneIn === 1 ? { withLinkRecords } : { withLinkRecords, inSample }
  return { ...(await scanSpans(request, scan)), oneIn }
}

function countSpans(traces: TraceSample['traces'] = new Map()): number {
  let count = 0
  for (const trace of traces.values()) count += trace.size
  return count
}

async function countTraceRows({ store, options }: TopologyRequest, { firstDay, lastDay }: Population): Promise<number> {
  const [row] = await store.query<{ n: string }>(
    `select count() as n from trace_rows
    where toDate(received) between toDate(toDateTime({firstDay:UInt32}, 'UTC')) and toDate(toDateTime({lastDay:UInt32}, 'UTC'))`,
    { firstDay, lastDay },
    options,
  )
  return Number(row?.n ?? 0)
}

/** Rows of other times that are read for a range; they take about 0.3 µs each. */
const MAX_ROWS_READ = 600_000

/** A row of a range takes as long as this many spans of a scan. */
const SCANNED_PER_ROW = 5

/**
 * Chooses the share of trace ids to read.
 *
 * @param rows of all traces that arrived on the same days
 * @returns `undefined` if a scan of the window takes less time
 */
function chooseRange(count: number, rows: number): { readonly oneIn: number; readonly maxRows: number } | undefined {
  const oneIn = Math.ceil(Math.max(count / MAX_SPANS, rows / MAX_ROWS_READ))
  const read = rows / oneIn
  if (read * SCANNED_PER_ROW > count) return undefined
  // Whole granules of all parts are read, more than the share.
  return { oneIn, maxRows: Math.ceil(4 * read) + 1_000_000 }
}
