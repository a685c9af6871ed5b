import type { Store } from '../../store/store.ts'
import type { Metrics, MetricsAggregate } from './ast.ts'
import { check } from './check.ts'
import { TraceQLError } from './errors.ts'
import { limits } from './limits.ts'
import { aggregateInEngine, isForEngine } from './metrics-in-engine.ts'
import { aggregateMatches } from './metrics-of-matches.ts'
import { compareInEngine } from './metrics-compare.ts'
import { combineSeries, type Point, type Series, secondStage } from './metrics-series.ts'
import { parse } from './parse.ts'
import { startSearch } from './run.ts'
import type { Search } from './search.ts'

export type MetricsOptions = {
  /** Unix nanoseconds; spans that start in `[start, end)`. */
  readonly start: bigint
  readonly end: bigint
  /** Nanoseconds of one interval, counted from `start`. At most 11,000 intervals fit an answer. */
  readonly step: bigint
  readonly signal?: AbortSignal
  /** @default 10_000 */
  readonly timeoutMs?: number
}

export type MetricsAnswer = {
  readonly series: readonly Series[]
  /** What was cut off and what to do about it, in sentences; empty when the answer is whole. */
  readonly cuts: readonly string[]
}

/** How the spans of an answer are spread over intervals. */
export type Intervals = { readonly start: bigint; readonly end: bigint; readonly step: bigint; readonly count: number }

/**
 * Answers a TraceQL metrics query. A point's time is the start of its interval. Durations are in seconds, as in
 * Prometheus. Intervals without spans are 0 for rate() and count_over_time() and have no point otherwise.
 *
 * @throws TraceQLError when the query is wrong or asks for too much; StoreError when the store can't answer
 */
export async function metricsTraceQL(store: Store, text: string, options: MetricsOptions): Promise<MetricsAnswer> {
  const query = parse(text)
  check(query, text)
  if (query.kind === 'search') {
    throw new TraceQLError('type', 'This query gives traces, not series: add | rate() or another metrics function.', {
      text,
      from: query.to,
      to: query.to,
      expected: ['| rate()', '| count_over_time()', '| quantile_over_time(duration, .95)'],
    })
  }
  const search = startSearch(store, options)
  const series = await evaluate(search, query.metrics, intervalsOf(options))
  return { series, cuts: [...search.cuts] }
}

function intervalsOf({ start, end, step }: MetricsOptions): Intervals {
  if (step <= 0n) throw new TraceQLError('limit', 'The step must be longer than nothing.')
  const count = Number((end - start + step - 1n) / step)
  if (count > limits.points) {
    throw new TraceQLError(
      'limit',
      `The time range has ${count} steps; ${limits.points} are the most. Choose a longer step.`,
    )
  }
  return { start, end, step, count }
}

async function evaluate(search: Search, metrics: Metrics, intervals: Intervals): Promise<readonly Series[]> {
  switch (metrics.kind) {
    case 'number': {
      const points = Array.from({ length: intervals.count }, (_, at): Point => ({ at, value: metrics.value }))
      return [{ labels: {}, points: points.map((point) => timed(point, intervals)) }]
    }
    case 'arithmetic': {
      const left = await evaluate(search, metrics.left, intervals)
      const right = await evaluate(search, metrics.right, intervals)
      return combineSeries(metrics.op, left, right)
    }
    case 'compare': {
      const raw = await compareInEngine(search, metrics, intervals)
      return raw.map(({ labels, points }) => ({ labels, points: points.map((point) => timed(point, intervals)) }))
    }
    case 'aggregate':
      return aggregate(search, metrics, intervals)
  }
}

async function aggregate(search: Search, metrics: MetricsAggregate, intervals: Intervals): Promise<readonly Series[]> {
  const raw = isForEngine(metrics)
    ? await aggregateInEngine(search, metrics, intervals)
    : await aggregateMatches(search, metrics, intervals)
  const series = raw.map(({ labels, points }) => ({ labels, points: points.map((point) => timed(point, intervals)) }))
  return metrics.second.reduce<readonly Series[]>(secondStage, series)
}

function timed({ at, value }: Point, { start, step }: Intervals): { timeUnixNano: string; value: number } {
  return { timeUnixNano: String(start + BigInt(at) * step), value }
}
