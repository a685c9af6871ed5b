import type { DistributionView, Metric, MetricSeriesQuery, MetricVariant } from '@spanlink/api-schema'
import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import { LOOKBACK_NANO, type Window } from './load-points.ts'
import { findMetrics } from './metric-names.ts'
import { createSeriesMatcher } from './series-filter.ts'

export type SelectedMetric = {
  readonly metric: Metric
  readonly view: DistributionView | undefined
  /** All variants of the name with matching points in the window, the selected one first. */
  readonly variants: readonly MetricVariant[]
}

type Selector = Pick<MetricSeriesQuery, 'name' | 'service' | 'type' | 'unit'>

/**
 * Selects the metric that a request names: among those with the name, type and unit, the one with
 * the most matching series in the window. A metric whose unit changed is two metrics, and either
 * may have no series under a filter or in a window.
 */
export async function selectMetric(
  store: Store,
  selector: Selector,
  filters: readonly string[],
  window: Window,
  options: QueryOptions,
): Promise<SelectedMetric | undefined> {
  const { metrics, view } = await findMetrics(store, selector.name, options)
  const candidates = metrics.filter(
    ({ type, unit }) => type === (selector.type ?? type) && unit === (selector.unit ?? unit),
  )
  const [largest] = candidates
  if (largest === undefined) return undefined
  const found = await countVariants(store, candidates, selector.service, filters, window, options)
  const selected = candidates.find((metric) => isVariant(metric, found[0])) ?? largest
  const empty = { type: selected.type, unit: selected.unit, monotonic: selected.monotonic, seriesCount: 0 }
  return { metric: selected, view, variants: found.length === 0 ? [empty] : found }
}

function isVariant(metric: Metric, variant: MetricVariant | undefined): boolean {
  return metric.type === variant?.type && metric.unit === variant.unit && metric.monotonic === variant.monotonic
}

async function countVariants(
  store: Store,
  candidates: readonly Metric[],
  service: string | undefined,
  filters: readonly string[],
  window: Window,
  options: QueryOptions,
): Promise<MetricVariant[]> {
  const { where, params } = createSeriesMatcher(service, filters)
  const from = window.start > LOOKBACK_NANO ? window.start - LOOKBACK_NANO : 0n
  const named = 'name in {seriesNames:Array(String)}'
  const rows = await store.query<Omit<MetricVariant, 'monotonic' | 'seriesCount'> & Counted>(
    `select type, unit, monotonic as isMonotonic, uniqExact(series_id) as series
    from metric_series
    where ${named} and ${where} and series_id in (
      select series_id from metric_points
      where series_id in (select series_id from metric_series where ${named}) and time > {from:UInt64} and time <= {end:UInt64})
    group by type, unit, monotonic
    order by series desc, type, unit, monotonic`,
    {
      ...params,
      seriesNames: [...new Set(candidates.map((metric) => metric.name))],
      from: String(from),
      end: String(window.start + window.step * BigInt(window.steps)),
    },
    options,
  )
  return rows
    .map(({ isMonotonic, series, ...row }) => ({ ...row, monotonic: isMonotonic !== 0, seriesCount: Number(series) }))
    .filter((variant) => candidates.some((metric) => isVariant(metric, variant)))
}

type Counted = { readonly isMonotonic: number; readonly series: string }
