import type { Metric } from '@spanlink/api-schema'
import type { QueryOptions, QueryParams, Store } from '../../clickhouse/store.ts'
import { type Bucket, type Distribution, toExplicitBuckets, toExponentialBuckets } from './distribution.ts'
import { labelColumnsOfSource, seriesLabel, type SeriesFilter } from './series-filter.ts'

/** A window divided into steps; `start` in Unix nanoseconds, the rest in nanoseconds. */
export type Window = { readonly start: bigint; readonly step: bigint; readonly steps: number }

export type LoadedSeries = {
  readonly id: string
  readonly service: string
  readonly delta: boolean
  /** Values of the `groupBy` labels, in their order. */
  readonly group: readonly string[]
  /** All attributes of the series' points. */
  readonly attributes: readonly (readonly [string, string])[]
}

/** Times are nanoseconds from the window's start: a number represents 104 days of them exactly. */
export type LoadedPoint = {
  readonly time: number
  /** Undefined if the exporter did not send it. */
  readonly start: number | undefined
  /** "No recorded value" flag: the series ends here. */
  readonly stale: boolean
  readonly value: number
  readonly distribution: Distribution
  /** Only for summaries. */
  readonly quantiles: readonly (readonly [quantile: number, value: number])[]
}

const MAX_SERIES = 5000
const MAX_POINTS = 300_000

/**
 * Lookback before the window, needed for the increase of the first points; 5 minutes as in
 * Prometheus.
 */
export const LOOKBACK_NANO = 300_000_000_000n

export async function loadSeries(
  store: Store,
  filter: SeriesFilter,
  groupBy: readonly string[],
  options: QueryOptions,
): Promise<{ readonly series: LoadedSeries[]; readonly truncated: boolean }> {
  const labels = groupBy.map((label, index) => seriesLabel(label, `groupLabel${index}`))
  const ofSource = labels.some((label) => label.ofSource)
  const params: QueryParams = Object.assign({}, filter.params, ...labels.map((label) => label.params))
  const rows = await store.query<Omit<LoadedSeries, 'delta'> & { readonly isDelta: number }>(
    `select toString(series_id) as id, service, temporality = 'delta' as isDelta,
      [${labels.map((label) => `toString(${label.sql})`).join(', ')}]::Array(String) as group,
      arrayZip(mapKeys(attrs), mapValues(attrs)) as attributes
    from metric_series
    ${ofSource ? `left join (select ${labelColumnsOfSource} from sources limit 1 by source_id) as r using source_id` : ''}
    where ${filter.where}
    order by series_id
    limit 1 by series_id
    limit ${MAX_SERIES + 1}`,
    params,
    options,
  )
  return {
    series: rows.slice(0, MAX_SERIES).map(({ isDelta, ...row }) => ({ ...row, delta: isDelta !== 0 })),
    truncated: rows.length > MAX_SERIES,
  }
}

type PointRow = {
  readonly id: string
  readonly time: string
  readonly start: string
  readonly flags: number
  readonly present: number
} & Readonly<Record<string, unknown>>

/**
 * Loads points of the window and the lookback by series, in order of time. Cumulative series and
 * gauges need only the last point per step and start, and the points around a reset; delta series
 * need all points.
 */
export async function loadPoints(
  store: Store,
  metric: Metric,
  filter: SeriesFilter,
  window: Window,
  options: QueryOptions,
): Promise<{ readonly points: ReadonlyMap<string, LoadedPoint[]>; readonly truncated: boolean }> {
  const end = window.start + window.step * BigInt(window.steps)
  const from = window.start > LOOKBACK_NANO ? window.start - LOOKBACK_NANO : 0n
  const ids = `series_id in (select series_id from metric_series where ${filter.where} and temporality`
  const columns = `toString(series_id) as id, time, start, flags, present, ${columnsOf[metric.type]}`
  const step = 'if(time <= {windowStart:UInt64}, -1, toInt64(intDiv(time - {windowStart:UInt64} - 1, {step:UInt64})))'
  const isAtReset = amountsOf(metric).map(isAtResetSql).join(' or ') || 'false'
  const inWindow = 'time > {from:UInt64} and time <= {end:UInt64}'
  const rows = await store.query<PointRow>(
    `select * from (
      select * except (series_id, number, isAtReset) from (
        select ${columns}, series_id, ${step} as step, ${isAtReset} as isAtReset,
          row_number() over (partition by series_id, step, start order by time desc) as number
        from metric_points
        where ${ids} != 'delta') and ${inWindow}
        window neighbours as (partition by series_id order by time rows between 1 preceding and 1 following))
      where number = 1 or isAtReset
      order by id, time desc
      limit ${MAX_POINTS}
      union all
      select ${columns}, 0 as step
      from metric_points
      where ${ids} = 'delta') and ${inWindow}
      order by series_id, time desc
      limit 1 by series_id, time
      limit ${MAX_POINTS}
    )
    order by id, time`,
    {
      ...filter.params,
      from: String(from),
      end: String(end),
      windowStart: String(window.start),
      step: String(window.step),
    },
    options,
  )
  const bySeries = Map.groupBy(rows, ({ id }) => id)
  const points = new Map(
    Array.from(bySeries, ([id, ofSeries]) => [id, ofSeries.map((row) => toLoadedPoint(row, window))]),
  )
  return { points, truncated: rows.length >= MAX_POINTS }
}

const columnsOf: Readonly<Record<Metric['type'], string>> = {
  gauge: 'value',
  sum: 'value',
  histogram: 'count, sum, min, max, bounds, buckets',
  'exponential-histogram': `count, sum, min, max, scale, zero_count as zeroCount, zero_threshold as zeroThreshold,
    positive_offset as positiveOffset, positive, negative_offset as negativeOffset, negative`,
  summary: 'count, sum, arrayMap(pair -> [pair.1, pair.2], quantiles) as quantiles',
}

/** Columns that shrink only at a reset, as arrays. */
function amountsOf({ type, monotonic }: Metric): readonly string[] {
  if (type === 'sum') return monotonic ? ['[value]'] : []
  if (type === 'histogram') return ['[count]', 'buckets']
  return type === 'exponential-histogram' ? ['[count, zero_count]'] : []
}

/** SQL for whether the count restarts at this point, or at the next one of its series. */
function isAtResetSql(amounts: string): string {
  const shrinks = (from: string, to: string): string =>
    `arrayExists((old, new) -> new < old, arrayResize(${from}, length(${to})), ${to})`
  const before = `lagInFrame(${amounts}) over neighbours`
  const after = `leadInFrame(${amounts}, 1, ${amounts}) over neighbours`
  return `${shrinks(before, amounts)} or ${shrinks(amounts, after)}`
}

const NO_RECORDED_VALUE = 1
const SUM_PRESENT = 1
const MIN_PRESENT = 2
const MAX_PRESENT = 4

function toLoadedPoint(row: PointRow, window: Window): LoadedPoint {
  const buckets = decodeBuckets(row)
  return {
    time: Number(BigInt(row.time) - window.start),
    start: row.start === '0' ? undefined : Number(BigInt(row.start) - window.start),
    stale: (row.flags & NO_RECORDED_VALUE) !== 0,
    value: toNumber(row['value'] ?? 0),
    distribution: {
      buckets,
      count: toNumber(row['count'] ?? 0),
      sum: (row.present & SUM_PRESENT) === 0 ? Number.NaN : toNumber(row['sum'] ?? 0),
      min: (row.present & MIN_PRESENT) === 0 ? -Infinity : toNumber(row['min'] ?? -Infinity),
      max: (row.present & MAX_PRESENT) === 0 ? Infinity : toNumber(row['max'] ?? Infinity),
    },
    quantiles: list(row['quantiles']).map((pair) => {
      const [quantile, value] = list(pair).map(toNumber)
      return [quantile ?? Number.NaN, value ?? Number.NaN]
    }),
  }
}

function decodeBuckets(row: PointRow): Bucket[] {
  if ('bounds' in row) return toExplicitBuckets(list(row['bounds']).map(toNumber), list(row['buckets']).map(toNumber))
  if (!('scale' in row)) return []
  return toExponentialBuckets({
    scale: toNumber(row['scale']),
    zeroCount: toNumber(row['zeroCount']),
    zeroThreshold: toNumber(row['zeroThreshold']),
    positiveOffset: toNumber(row['positiveOffset']),
    positive: list(row['positive']).map(toNumber),
    negativeOffset: toNumber(row['negativeOffset']),
    negative: list(row['negative']).map(toNumber),
  })
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** ClickHouse writes 64-bit integers as strings, and `inf`, `-inf`, `nan`. */
export function toNumber(value: unknown): number {
  return Number(typeof value === 'string' ? value.replace('inf', 'Infinity') : value)
}
