import { readParams, setParams } from '../lib/query-params.ts'
import type { MetricSeriesResponse } from '@spanlink/api-schema'
import { parseRecentRange, startOfRange, type RecentRange, writeRecentRange } from '../lib/recent-range.ts'

/** The state of the Metrics page, from its URL. */
export interface MetricsPageState {
  readonly name: string
  /** With `unit`, selects one of the metrics of that name. Empty: the one with the most series. */
  readonly type: string
  readonly unit: string
  readonly service: string
  readonly groupBy: string
  /** `label=value`. */
  readonly filter: string
  readonly view: string
  readonly last: RecentRange
}

const names = ['name', 'type', 'service', 'groupBy', 'filter', 'view'] as const

export function parseMetricsUrl(query: URLSearchParams): MetricsPageState {
  return { ...readParams(query, names), unit: query.get('unit') ?? '', last: parseRecentRange(query.get('last')) }
}

export function metricsUrl(pageState: Partial<MetricsPageState>): string {
  const params = new URLSearchParams()
  setMetricParams(params, pageState)
  setParams(params, { last: writeRecentRange(pageState.last) })
  return params.size === 0 ? 'metrics' : `metrics?${params}`
}

export function seriesPath(pageState: MetricsPageState, nowMillis: number): string {
  const params = new URLSearchParams({ start: startOfRange(pageState.last, nowMillis), end: `${nowMillis}000000` })
  setMetricParams(params, pageState)
  return `api/metrics/series?${params}`
}

function setMetricParams(params: URLSearchParams, pageState: Partial<MetricsPageState>): void {
  const { unit = '', last: _, ...others } = pageState
  setParams(params, others)
  // An empty unit distinguishes metrics of the same type, too.
  if (others.type) params.set('unit', unit)
}

/** The time of every step in Unix seconds, as uPlot takes it. */
export function stepTimes({ startTimeUnixNano, stepNano, series }: MetricSeriesResponse): number[] {
  const start = Number(BigInt(startTimeUnixNano) / 1_000_000n) / 1000
  const step = Number(stepNano) / 1e9
  return Array.from({ length: series[0]?.values.length ?? 0 }, (_, i) => start + step * (i + 1))
}

export function labelsPath({ name, type, unit }: MetricsPageState): string {
  return `api/metrics/labels?${new URLSearchParams(type === '' ? { name } : { name, type, unit })}`
}
