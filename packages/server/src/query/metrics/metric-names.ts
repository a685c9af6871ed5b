import type { DistributionView, Metric, MetricsResponse, MetricsQuery, MetricType } from '@spanlink/api-schema'
import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import { prometheusName } from './prometheus-name.ts'

/** Instrumentations sometimes create a metric name per request id; this keeps lists usable. */
const MAX_METRICS = 10_000
const MAX_SERVICES = 100

export async function listMetrics(store: Store, query: MetricsQuery, options: QueryOptions): Promise<MetricsResponse> {
  const limit = query.limit ?? 1000
  const metrics = (await queryMetrics(store, { service: query.service }, options)).filter(contains(query.q))
  return { metrics: metrics.slice(0, limit), ...(metrics.length > limit ? { truncated: true } : {}) }
}

/** The metrics that match a requested name. */
export type NamedMetrics = {
  /** Variants by type, unit, temporality or monotonicity, the one with most series first. */
  readonly metrics: readonly Metric[]
  /** Set if the metrics were found by a suffix `_bucket`, `_sum` or `_count`. */
  readonly view: DistributionView | undefined
}

/** Finds metrics by OpenTelemetry name, otherwise by Prometheus name. Empty if none matches. */
export async function findMetrics(store: Store, name: string, options: QueryOptions): Promise<NamedMetrics> {
  const exact = await queryMetrics(store, { name }, options)
  if (exact.length > 0) return { metrics: largestFirst(exact), view: undefined }
  const all = await queryMetrics(store, {}, options)
  const same = all.filter((metric) => metric.prometheusName === name)
  if (same.length > 0) return { metrics: largestFirst(same), view: undefined }
  for (const [suffix, view] of Object.entries(suffixes)) {
    if (!name.endsWith(suffix)) continue
    const base = name.slice(0, -suffix.length)
    const metrics = all.filter((one) => isDistribution(one.type) && (one.prometheusName === base || one.name === base))
    if (metrics.length > 0) return { metrics: largestFirst(metrics), view }
  }
  return { metrics: [], view: undefined }
}

export function isDistribution(type: MetricType): boolean {
  return type !== 'gauge' && type !== 'sum'
}

const suffixes: Readonly<Record<string, DistributionView>> = { _bucket: 'buckets', _sum: 'sum', _count: 'count' }

type Row = Omit<Metric, 'prometheusName' | 'monotonic' | 'seriesCount'> & {
  readonly isMonotonic: number
  readonly series: string
}

async function queryMetrics(
  store: Store,
  only: { readonly name?: string | undefined; readonly service?: string | undefined },
  options: QueryOptions,
): Promise<Metric[]> {
  const conditions: string[] = []
  const params: Record<string, string> = {}
  for (const [column, value] of Object.entries(only)) {
    if (value === undefined) continue
    conditions.push(`${column} = {${column}:String}`)
    params[column] = value
  }
  const rows = await store.query<Row>(
    `select name, type, unit, temporality, monotonic as isMonotonic, argMax(description, (description != '', received)) as description,
      arraySort(groupUniqArray(${MAX_SERVICES})(service)) as services, uniqExact(series_id) as series
    from metric_series
    ${conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`}
    group by name, type, unit, temporality, monotonic
    order by name, type, unit, temporality, monotonic
    limit ${MAX_METRICS}`,
    params,
    options,
  )
  return rows.map(({ isMonotonic, series, ...row }) => {
    const metric = { ...row, monotonic: isMonotonic !== 0, seriesCount: Number(series) }
    return { ...metric, prometheusName: prometheusName(metric) }
  })
}

function contains(q: string | undefined): (metric: Metric) => boolean {
  if (q === undefined) return () => true
  const part = q.toLowerCase()
  return (metric) => metric.name.toLowerCase().includes(part) || metric.prometheusName.toLowerCase().includes(part)
}

function largestFirst(metrics: readonly Metric[]): readonly Metric[] {
  return metrics.toSorted((a, b) => b.seriesCount - a.seriesCount)
}
