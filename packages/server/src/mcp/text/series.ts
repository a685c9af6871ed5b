import { joinFacts } from './format.ts'
import { quote } from './quote.ts'

export type SeriesSummary = {
  /** `"topic"="orders"`, quoted. */
  readonly label: string
  /** Number of values. The rest is 0 without any. */
  readonly count: number
  readonly min: number
  readonly average: number
  readonly max: number
  readonly maxTimeUnixNano: string
  readonly last: number
}

type Label = { readonly key: string; readonly value: string }

/** `null` is no data; "NaN" and infinities are strings. */
type Point = { readonly timeUnixNano: string; readonly value: number | string | null }

const MAX_LABELS = 10

export function summarizeSeries(labels: readonly Label[], points: readonly Point[]): SeriesSummary {
  const label = labels.slice(0, MAX_LABELS).map(({ key, value }) => `${quote(key, 60)}=${quote(value, 80)}`)
  const known = points
    .filter(({ value }) => value !== null)
    .map(({ value, timeUnixNano }) => ({ value: Number(value), timeUnixNano }))
    .filter(({ value }) => Number.isFinite(value))
  const highest = known.reduce((max, point) => (point.value > max.value ? point : max), known[0] ?? NO_POINT)
  const sum = known.reduce((total, { value }) => total + value, 0)
  return {
    label: label.join(' '),
    count: known.length,
    min: round(known.reduce((min, { value }) => Math.min(min, value), highest.value)),
    average: round(sum / Math.max(known.length, 1)),
    max: round(highest.value),
    maxTimeUnixNano: highest.timeUnixNano,
    last: round(known.at(-1)?.value ?? 0),
  }
}

/** Highest first. */
export function formatSeries(rows: readonly SeriesSummary[]): readonly string[] {
  return rows
    .toSorted((a, b) => b.max - a.max)
    .map(({ label, count, min, average, max, last }) => {
      const facts = count === 0 ? 'no data' : joinFacts([`min ${min}`, `avg ${average}`, `max ${max}`, `last ${last}`])
      return `${label === '' ? 'all' : label}: ${facts}`
    })
}

const NO_POINT = { value: 0, timeUnixNano: '0' }

function round(value: number): number {
  return Number(value.toPrecision(4))
}
