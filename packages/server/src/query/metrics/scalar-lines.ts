import { type Increase, computeIncreases, spreadOverSteps, type Steps } from './increase.ts'
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
export function computeNumberIncreases(points: readonly LoadedPoint[], delta: boolean): Increase<number>[] {
  const recorded = points.filter((point) => !point.stale)
  if (delta) return recorded.map((point) => ({ from: point.start ?? point.time, to: point.time, amount: point.value }))
  return computeIncreases(
    recorded.map(({ time, start, value }) => ({ time, start, amount: value })),
    (later, earlier) => (later < earlier ? undefined : later - earlier),
  )
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

export type Aggregate = 'sum' | 'avg' | 'min' | 'max'

/** Combines the lines of a group; a step without values stays undefined. */
export function combineLines(lines: readonly Line[], aggregate: Aggregate, count: number): Line {
  return Array.from({ length: count }, (_, step) => {
    const values = lines.flatMap((line) => line[step] ?? [])
    if (values.length === 0) return undefined
    switch (aggregate) {
      case 'sum':
        return sumValues(values)
      case 'avg':
        return sumValues(values) / values.length
      case 'min':
        return Math.min(...values)
      case 'max':
        return Math.max(...values)
    }
  })
}

function sumValues(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0)
}
