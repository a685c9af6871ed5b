import { type Increase, computeIncreases, type PointSeries, spreadOverSteps, type Steps } from './increase.ts'
import { LOOKBACK_NANO, type LoadedPoint } from './load-points.ts'

/** One value per step, undefined if there is none. */
export type Line = (number | undefined)[]

const SECOND = 1e9

/**
 * The latest value at the end of each step, unless it is stale or older than the lookback and one
 * step.
 */
export function toGaugeLine(
  points: readonly LoadedPoint[],
  steps: Steps,
  valueOf: (point: LoadedPoint) => number = (point) => point.value,
): Line {
  const line: Line = Array.from({ length: steps.count })
  const longest = Math.max(steps.length, Number(LOOKBACK_NANO))
  let next = 0
  for (let step = 0; step < steps.count; step++) {
    const end = (step + 1) * steps.length
    while (next < points.length && (points[next] as LoadedPoint).time <= end) next++
    const current = points[next - 1]
    if (current !== undefined && !current.stale && end - current.time < longest) line[step] = valueOf(current)
  }
  return line
}

/** Computes the increases of a series of numbers. */
export function computeNumberIncreases(series: PointSeries): Increase<number>[] {
  const subtract = (later: number, earlier: number) => (later < earlier ? undefined : later - earlier)
  return computeIncreases(series, ({ value }) => value, subtract)
}

/** Increase per step, or with `rate` per second of the time covered by increases. */
export function toIncreaseLine(list: readonly Increase<number>[], steps: Steps, rate: boolean): Line {
  const line: Line = Array.from({ length: steps.count })
  const covered = new Float64Array(steps.count)
  for (const increase of list) {
    spreadOverSteps(increase, steps, (step, share, time) => {
      line[step] = (line[step] ?? 0) + increase.amount * share
      covered[step] = (covered[step] ?? 0) + time
    })
  }
  if (!rate) return line
  return line.map((amount, step) => (amount === undefined ? undefined : amount / ((covered[step] as number) / SECOND)))
}

const aggregates = {
  sum: sumValues,
  avg: (values: readonly number[]) => sumValues(values) / values.length,
  min: (values: readonly number[]) => Math.min(...values),
  max: (values: readonly number[]) => Math.max(...values),
}

export type Aggregate = keyof typeof aggregates

/** Combines the lines of a group; a step without values stays undefined. */
export function combineLines(lines: readonly Line[], aggregate: Aggregate, count: number): Line {
  return Array.from({ length: count }, (_, step) => {
    const values = lines.flatMap((line) => line[step] ?? [])
    return values.length === 0 ? undefined : aggregates[aggregate](values)
  })
}

function sumValues(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0)
}
