import type {
  DistributionView,
  Metric,
  MetricSeries,
  MetricSeriesResponse,
  MetricSeriesQuery,
} from '@spanlink/api-schema'
import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import { InvalidParameterError } from '../sql/invalid-parameter.ts'
import { parseTimeWindow } from '../sql/time-window.ts'
import { parseDuration } from '../sql/time-parameters.ts'
import { distributionLines, type LabelledLine, summaryQuantileLines } from './distribution-lines.ts'
import { findExemplars, toJsonNumber } from './find-exemplars.ts'
import type { Steps } from './increase.ts'
import { type LoadedPoint, type LoadedSeries, loadPoints, loadSeries, type Window } from './load-points.ts'
import { checkLabels } from './metric-labels.ts'
import { isDistribution } from './metric-names.ts'
import { type Aggregate, combineLines, toGaugeLine, toIncreaseLine, computeNumberIncreases } from './scalar-lines.ts'
import { selectMetric } from './select-metric.ts'
import { createSeriesFilter, splitFilter } from './series-filter.ts'

/** Maximum number of lines in a response. */
const MAX_LINES = 500
const MAX_STEPS = 2000
const DEFAULT_STEPS = 120n
const SECOND = 1_000_000_000n

/** Queries a metric over time; `undefined` if no metric has the name. */
export async function findMetricSeries(
  store: Store,
  query: MetricSeriesQuery,
  options: QueryOptions,
): Promise<MetricSeriesResponse | undefined> {
  const window = parseWindow(query)
  const filters = [query.filter ?? []].flat()
  const found = await selectMetric(store, query, filters, window, options)
  if (found === undefined) return undefined
  const { metric } = found
  const plan = planSeries(metric, query, found.view)
  const groupBy = [query.groupBy ?? []].flat()
  const each = groupBy.includes('*')
  await checkLabels(
    store,
    metric,
    { filter: filters.map((filter) => splitFilter(filter)[0]), groupBy: each ? [] : groupBy },
    options,
  )
  const filter = createSeriesFilter(metric, query.service, filters)
  const labels = each ? ['service'] : groupBy
  const [loaded, { points, truncated }, exemplars] = await Promise.all([
    loadSeries(store, filter, labels, options),
    loadPoints(store, metric, filter, window, options),
    findExemplars(store, filter, window, options),
  ])
  const groups = Map.groupBy(
    loaded.series.filter((one) => points.has(one.id)),
    (one) => (each ? one.id : JSON.stringify(one.group)),
  )
  const steps: Steps = { count: window.steps, length: Number(window.step) }
  const series: MetricSeries[] = []
  for (const members of groups.values()) {
    if (series.length > MAX_LINES) break
    for (const { label, line } of toLines(plan, members, points, steps)) {
      if (line.every((value) => value === undefined)) continue
      const own = [...toLabels(members[0], labels, each), ...(label === undefined ? [] : [label])]
      series.push({ labels: own, values: line.map((value) => (value === undefined ? null : toJsonNumber(value))) })
    }
  }
  return {
    name: metric.name,
    prometheusName: metric.prometheusName,
    type: metric.type,
    unit: metric.unit,
    description: metric.description,
    variants: [...found.variants],
    rate: plan.rate,
    view: plan.view ?? null,
    startTimeUnixNano: String(window.start),
    stepNano: String(window.step),
    series: series.slice(0, MAX_LINES),
    exemplars,
    ...(loaded.truncated || truncated || series.length > MAX_LINES ? { truncated: true } : {}),
  }
}

type Plan = {
  readonly metric: Metric
  readonly rate: boolean
  readonly aggregate: Aggregate
  /** Only for distributions. */
  readonly view: DistributionView | undefined
  readonly quantiles: readonly number[]
}

function planSeries(metric: Metric, query: MetricSeriesQuery, viewOfName: DistributionView | undefined): Plan {
  const quantiles = parseQuantiles(query.quantiles)
  if (isDistribution(metric.type)) {
    const view = query.view ?? viewOfName ?? 'quantiles'
    if (view === 'buckets' && metric.type === 'summary')
      throw new InvalidParameterError('view', 'A summary has no buckets.')
    const counts = view === 'count' || view === 'sum' || view === 'buckets'
    return { metric, rate: counts && (query.rate ?? true), aggregate: 'sum', view, quantiles }
  }
  if (query.view !== undefined) throw new InvalidParameterError('view', `view does not apply to a ${metric.type}.`)
  const counter = metric.type === 'sum' && (metric.monotonic || metric.temporality === 'delta')
  if (query.rate === true && !counter)
    throw new InvalidParameterError('rate', `rate applies to counters only; ${metric.name} is a gauge.`)
  return {
    metric,
    rate: query.rate ?? metric.monotonic,
    aggregate: query.aggregate ?? (metric.type === 'sum' ? 'sum' : 'avg'),
    view: undefined,
    quantiles,
  }
}

function toLines(
  plan: Plan,
  members: readonly LoadedSeries[],
  points: ReadonlyMap<string, LoadedPoint[]>,
  steps: Steps,
): LabelledLine[] {
  const series = members.map(({ id, delta }) => ({ points: points.get(id) ?? [], delta }))
  if (plan.view !== undefined) {
    return plan.view === 'quantiles' && plan.metric.type === 'summary'
      ? summaryQuantileLines(series, steps)
      : distributionLines(series, plan.view, plan.quantiles, steps, plan.rate)
  }
  const lines = series.map((one) => {
    const counter = plan.metric.type === 'sum' && (plan.metric.monotonic || one.delta)
    return counter ? toIncreaseLine(computeNumberIncreases(one), steps, plan.rate) : toGaugeLine(one.points, steps)
  })
  return [{ label: undefined, line: combineLines(lines, plan.aggregate, steps.count) }]
}

function toLabels(series: LoadedSeries | undefined, labels: readonly string[], each: boolean): MetricSeries['labels'] {
  if (series === undefined) return []
  const grouped = labels.map((key, index) => ({ key, value: series.group[index] ?? '' }))
  return each ? [...grouped, ...series.attributes.map(([key, value]) => ({ key, value }))] : grouped
}

function parseWindow(query: MetricSeriesQuery): Window {
  const { start, end } = parseTimeWindow(query)
  const usual = (end - start) / DEFAULT_STEPS
  const step = query.step === undefined ? (usual > SECOND ? usual : SECOND) : parseDuration('step', query.step)
  if (step === 0n) throw new InvalidParameterError('step', 'invalid step: expected more than 0')
  const steps = (end - start + step - 1n) / step
  if (steps > MAX_STEPS) {
    const message = `The range has ${steps} steps; at most ${MAX_STEPS} are supported. Choose a longer step.`
    throw new InvalidParameterError('step', message)
  }
  return { start, step, steps: Number(steps) }
}

function parseQuantiles(text = '0.5,0.95,0.99'): number[] {
  return text.split(',').map((one) => {
    const quantile = Number(one)
    if (!(quantile >= 0 && quantile <= 1))
      throw new InvalidParameterError('quantiles', `invalid quantile ${one}: expected 0 to 1`)
    return quantile
  })
}
