import type { ArithmeticOp, SecondStage } from '../syntax/ast.ts'
import { calculate, compareNumbers } from '../analyze/constant-folding.ts'
import { limits } from '../limits.ts'
import { TraceQLError } from '../syntax/errors.ts'
import type { Intervals } from './intervals.ts'
import type { Labels } from './labels.ts'

/** An example span of a point. */
export type Exemplar = {
  readonly traceId: string
  readonly spanId: string
  /** When it started. */
  readonly timeUnixNano: string
  /** The span's value; for counts, undefined until the point's value is known. */
  readonly value: number | undefined
  /** Time of its point. */
  readonly point: string
}

/** A value of the interval with this number. */
export type Point = { readonly at: number; readonly value: number }

type SeriesPoint = { readonly timeUnixNano: string; readonly value: number }

/** An example span of an interval; `value` as in `Exemplar`. */
export type RawExemplar = Pick<Exemplar, 'traceId' | 'spanId' | 'timeUnixNano' | 'value'> & { readonly at: number }

export type RawSeries = {
  readonly labels: Labels
  readonly points: readonly Point[]
  readonly exemplars?: readonly RawExemplar[]
}

export type Series = {
  /**
   * Values of by(), null where spans have none; `p` is the quantile of quantile_over_time(),
   * `__bucket` the upper bound of a bucket of histogram_over_time().
   */
  readonly labels: Labels
  /** In order of time. */
  readonly points: readonly SeriesPoint[]
  /** If requested, in no order. */
  readonly exemplars: readonly Exemplar[]
}

/** Applies topk, bottomk or a comparison, and drops series without points. */
export function applySecondStage(series: readonly Series[], stage: SecondStage): readonly Series[] {
  if (stage.kind === 'compare') return keepPoints(series, ({ value }) => compareNumbers(value, stage.op, stage.value))
  const direction = stage.kind === 'topk' ? -1 : 1
  const candidates = series.flatMap((of) => of.points.map((point) => ({ of, point })))
  const kept = new Set<SeriesPoint>()
  for (const group of Map.groupBy(candidates, ({ point }) => point.timeUnixNano).values()) {
    // Ties are decided by labels, so that results are deterministic.
    group.sort(
      (a, b) => direction * (a.point.value - b.point.value) || (identifySeries(a.of) < identifySeries(b.of) ? -1 : 1),
    )
    for (const { point } of group.slice(0, stage.count)) kept.add(point)
  }
  return keepPoints(series, (point) => kept.has(point))
}

function keepPoints(series: readonly Series[], keep: (point: SeriesPoint) => boolean): readonly Series[] {
  return series.map((of) => ({ ...of, points: of.points.filter(keep) })).filter((of) => of.points.length > 0)
}

/** Points of every interval, 0 where there is no value. */
export function fillPoints(values: ReadonlyMap<number, number>, { count }: Pick<Intervals, 'count'>): readonly Point[] {
  return Array.from({ length: count }, (_, at) => ({ at, value: values.get(at) ?? 0 }))
}

export function checkSeriesCount(count: number): void {
  if (count <= limits.series) return
  throw new TraceQLError(
    'limit',
    `The result has more than ${limits.series} series: group by fewer fields, or by fields with fewer values.`,
  )
}

/**
 * Combines points of equal time of series with equal labels; a series without labels combines with
 * every other.
 */
export function combineSeries(op: ArithmeticOp, left: readonly Series[], right: readonly Series[]): readonly Series[] {
  const alone = (series: readonly Series[]): Series | undefined =>
    series.length === 1 && series[0] && Object.keys(series[0].labels).length === 0 ? series[0] : undefined
  const [oneLeft, oneRight] = [alone(left), alone(right)]
  const byName = new Map(right.map((series) => [identifySeries(series), series]))
  const pairs: (readonly [Series | undefined, Series | undefined, Labels])[] = oneLeft
    ? right.map((series) => [oneLeft, series, series.labels])
    : left.map((series) => [series, oneRight ?? byName.get(identifySeries(series)), series.labels])
  return pairs.flatMap(([a, b, labels]) => {
    if (!a || !b) return []
    const values = new Map(b.points.map((point) => [point.timeUnixNano, point.value]))
    const points = a.points.flatMap(({ timeUnixNano, value }) => {
      const other = values.get(timeUnixNano)
      const result = other === undefined ? Number.NaN : calculate(op, value, other)
      // 0 / 0 has no point.
      return Number.isFinite(result) ? [{ timeUnixNano, value: result }] : []
    })
    if (points.length === 0) return []
    // A series that combines with many would repeat its exemplars in each.
    const exemplars = [
      ...(a === oneLeft && !oneRight ? [] : a.exemplars),
      ...(b === oneRight && !oneLeft ? [] : b.exemplars),
    ]
    return [{ labels, points, exemplars }]
  })
}

function identifySeries(series: Series): string {
  return JSON.stringify(Object.entries(series.labels).sort(([a], [b]) => (a < b ? -1 : 1)))
}
