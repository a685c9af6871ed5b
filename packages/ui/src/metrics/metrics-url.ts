import type { MetricSeriesResponse } from '@spanlink/api-schema'
import { parseRecentRange, startOfRange, type RecentRange } from '../lib/recent-range.ts'

/** The Metrics page as its URL holds it. */
export interface MetricsPlace {
  readonly name: string
  /** With `unit`, which of the metrics of that name. Empty: the one with most series. */
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

export function metricsPlaceOf(query: URLSearchParams): MetricsPlace {
  const given = Object.fromEntries(names.map((name) => [name, query.get(name) ?? ''])) as Record<
    (typeof names)[number],
    string
  >
  return { ...given, unit: query.get('unit') ?? '', last: parseRecentRange(query.get('last')) }
}

export function metricsUrl(place: Partial<MetricsPlace>): string {
  const params = new URLSearchParams()
  for (const name of names) if (place[name]) params.set(name, place[name])
  if (place.type) params.set('unit', place.unit ?? '')
  if (place.last !== undefined && place.last !== '1h') params.set('last', place.last)
  return params.size === 0 ? '/metrics' : `/metrics?${params}`
}

export function seriesPath(place: MetricsPlace, nowMillis: number): string {
  const params = new URLSearchParams({ start: startOfRange(place.last, nowMillis), end: `${nowMillis}000000` })
  for (const name of names) if (place[name] !== '') params.set(name, place[name])
  if (place.type !== '') params.set('unit', place.unit)
  return `/api/metrics/series?${params}`
}

/** Seconds of every step, as charts take them. */
export function stepTimes({ startTimeUnixNano, stepNano, series }: MetricSeriesResponse): number[] {
  const start = Number(BigInt(startTimeUnixNano) / 1_000_000n) / 1000
  const step = Number(stepNano) / 1e9
  return Array.from({ length: series[0]?.values.length ?? 0 }, (_, i) => start + step * (i + 1))
}

export function labelsPath({ name, type, unit }: MetricsPlace): string {
  return `/api/metrics/labels?${new URLSearchParams(type === '' ? { name } : { name, type, unit })}`
}
