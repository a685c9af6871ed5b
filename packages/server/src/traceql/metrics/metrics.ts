import type { Store } from '../../clickhouse/store.ts'
import type { Metrics, MetricsAggregate } from '../syntax/ast.ts'
import { parseChecked } from '../analyze/check.ts'
import { TraceQLError } from '../syntax/errors.ts'
import { resolveMaxExemplars, limitExemplars } from './exemplars.ts'
import { type Intervals, getIntervalLength } from './intervals.ts'
import { limits } from '../limits.ts'
import { aggregateInClickHouse, canAggregateInClickHouse } from './aggregate-in-clickhouse.ts'
import { aggregateMatches } from './aggregate-matches.ts'
import { compareInClickHouse } from './compare.ts'
import { combineSeries, type Point, type RawSeries, type Series, applySecondStage } from './series.ts'
import { createSearch } from '../execute/search-traceql.ts'
import type { Scanned } from '../../query/sql/searched-range.ts'
import type { Search, SearchRange } from '../execute/search.ts'

export type MetricsOptions = SearchRange & {
  /** Nanoseconds of one interval, counted from `start`. A result has at most 11,000 intervals. */
  readonly step: bigint
  /**
   * Maximum number of exemplars; a hint of the query overrides it. compare() has none.
   *
   * @default 0
   */
  readonly exemplars?: number
}

export type MetricsResponse = {
  readonly series: readonly Series[]
  /**
   * Nanoseconds of the last interval: fewer than `step` when the window cuts it or it is
   * incomplete.
   */
  readonly lastStep: bigint
  /** Missing parts of the result and what to do; empty when it is complete. */
  readonly warnings: readonly string[]
  readonly scanned: Scanned
}

/**
 * Executes a TraceQL metrics query. A point's time is the start of its interval. Durations are in
 * seconds. Intervals without spans are 0 for rate() and count_over_time() and have no point
 * otherwise. rate() divides by the length of an interval that is past and in the window.
 *
 * @throws TraceQLError when the query is invalid or exceeds a limit; StoreError
 */
export async function executeMetricsQuery(
  store: Store,
  text: string,
  options: MetricsOptions,
): Promise<MetricsResponse> {
  const query = parseChecked(text)
  if (query.kind === 'search') {
    throw new TraceQLError('type', 'This query returns traces, not series: add | rate() or another metrics function.', {
      text,
      from: query.to,
      to: query.to,
      expected: ['| rate()', '| count_over_time()', '| quantile_over_time(duration, .95)'],
    })
  }
  const search = createSearch(store, options)
  const intervals = toIntervals(options)
  const exemplars = Math.min(limits.exemplars, resolveMaxExemplars(query.hints, options.exemplars ?? 0))
  const series = await evaluate({ search, intervals, exemplars }, query.metrics)
  return {
    series: exemplars > 0 ? limitExemplars(series, exemplars) : series,
    lastStep: getIntervalLength(intervals.count - 1, intervals),
    warnings: [...search.warnings],
    scanned: { until: search.scannedUntil, isCut: search.warnings.size > 0 },
  }
}

/** Shared by all parts of one query. */
type MetricsRequest = { readonly search: Search; readonly intervals: Intervals; readonly exemplars: number }

function toIntervals({ start, end, step }: MetricsOptions): Intervals {
  if (step <= 0n) throw new TraceQLError('limit', 'The step must be above 0.')
  const count = Number((end - start + step - 1n) / step)
  if (count > limits.points) {
    throw new TraceQLError(
      'limit',
      `The time range has ${count} steps; at most ${limits.points} are supported. Choose a longer step.`,
    )
  }
  return { start, end, step, count, now: BigInt(Date.now()) * 1_000_000n }
}

async function evaluate(request: MetricsRequest, metrics: Metrics): Promise<readonly Series[]> {
  const { search, intervals } = request
  switch (metrics.kind) {
    case 'number': {
      const points = Array.from({ length: intervals.count }, (_, at): Point => ({ at, value: metrics.value }))
      return [toSeries({ labels: {}, points }, intervals)]
    }
    case 'arithmetic': {
      const left = await evaluate(request, metrics.left)
      const right = await evaluate(request, metrics.right)
      return combineSeries(metrics.op, left, right)
    }
    case 'second':
      return metrics.stages.reduce<readonly Series[]>(applySecondStage, await evaluate(request, metrics.of))
    case 'compare': {
      const raw = await compareInClickHouse(search, metrics, intervals)
      return raw.map((series) => toSeries(series, intervals))
    }
    case 'aggregate':
      return evaluateAggregate(request, metrics)
  }
}

async function evaluateAggregate(
  { search, intervals, exemplars }: MetricsRequest,
  metrics: MetricsAggregate,
): Promise<readonly Series[]> {
  const aggregate = canAggregateInClickHouse(metrics) ? aggregateInClickHouse : aggregateMatches
  const raw = await aggregate(search, { metrics, intervals, withExemplars: exemplars > 0 })
  const series = raw.map((one) => toSeries(one, intervals))
  return metrics.second.reduce<readonly Series[]>(applySecondStage, series)
}

function toSeries({ labels, points, exemplars = [] }: RawSeries, { start, step }: Intervals): Series {
  const timeOf = (at: number): string => String(start + BigInt(at) * step)
  return {
    labels,
    points: points.map(({ at, value }) => ({ timeUnixNano: timeOf(at), value })),
    exemplars: exemplars.map(({ at, ...each }) => ({ ...each, point: timeOf(at) })),
  }
}
