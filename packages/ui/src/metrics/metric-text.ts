import type { MetricSeries, MetricSeriesResponse } from '@spanlink/api-schema'
import { formatDuration } from '../lib/format/duration.ts'

const NANOS: Readonly<Record<string, number>> = { s: 1e9, ms: 1e6, us: 1e3, µs: 1e3, ns: 1, min: 60e9, h: 3600e9 }

/**
 * A short value with its unit: times as durations, bytes in powers of 1024, counts with k and M.
 */
export function formatMetricValue(value: number, unit: string, isRate: boolean): string {
  if (value === 0 && !isRate) return '0'
  const nanos = NANOS[unit]
  if (nanos !== undefined && !isRate) return formatDuration(value * nanos)
  const per = isRate ? '/s' : ''
  if (unit === 'By') return `${scaled(value, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB'])}${per}`
  const word = /^\{.*\}$|^1$|^$/.test(unit) ? '' : ` ${unit.slice(0, 12)}`
  return `${scaled(value, 1000, ['', 'k', 'M', 'G', 'T'])}${word}${per}`
}

function scaled(value: number, base: number, units: readonly string[]): string {
  const power = value === 0 ? 0 : Math.floor(Math.log(Math.abs(value)) / Math.log(base))
  const at = Math.min(units.length - 1, Math.max(0, power))
  const shown = Number((value / base ** at).toPrecision(3))
  const unit = units[at] ?? ''
  return unit.length > 1 || unit === 'B' ? `${shown} ${unit}` : `${shown}${unit}`
}

export function seriesName({ labels }: MetricSeries, response: MetricSeriesResponse): string {
  if (labels.length === 0) return response.name
  return labels
    .map(({ key, value }) => {
      if (key === 'quantile') return `p${Number((Number(value) * 100).toPrecision(6))}`
      return `${key}=${value === '' ? '(none)' : value}`
    })
    .join(' ')
    .slice(0, 200)
}

export function finite(value: number | string | null | undefined): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}
