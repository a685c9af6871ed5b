import type { LoadedPoint } from './load-points.ts'

/** An increase between two times (nanoseconds from the start of the request's window). */
export type Increase<Amount> = { readonly from: number; readonly to: number; readonly amount: Amount }

export type PointSeries = {
  readonly points: readonly LoadedPoint[]
  /** Each point has its own amount; else amounts are cumulative. */
  readonly delta: boolean
}

/**
 * Computes the increases of a series: its points if they are deltas, else the increase of each
 * point over the previous one, across resets (data model, "Resets and gaps",
 * https://opentelemetry.io/docs/specs/otel/metrics/data-model/#resets-and-gaps): a start after the
 * previous point, or a smaller amount, restarts the count at 0. The first point adds its whole
 * amount since its start, or nothing if the start is unknown: not sent, or
 * equal to the time.
 *
 * @param points in order of time
 * @param subtract `later - earlier`, or undefined when that would be negative
 */
export function computeIncreases<Amount>(
  { points, delta }: PointSeries,
  amountOf: (point: LoadedPoint) => Amount,
  subtract: (later: Amount, earlier: Amount) => Amount | undefined,
): Increase<Amount>[] {
  const result: Increase<Amount>[] = []
  let before: { readonly time: number; readonly amount: Amount } | undefined
  for (const point of points) {
    if (point.stale) continue
    const { time, start } = point
    const amount = amountOf(point)
    if (delta) result.push({ from: start ?? time, to: time, amount })
    else if (before === undefined) {
      if (start !== undefined && start < time) result.push({ from: start, to: time, amount })
    } else if (start !== undefined && start >= before.time) {
      // A start equal to the time marks a reset at an unknown time, so it adds nothing.
      if (start < time) result.push({ from: start, to: time, amount })
    } else {
      result.push({ from: before.time, to: time, amount: subtract(amount, before.amount) ?? amount })
    }
    before = { time, amount }
  }
  return result
}

/** Steps of a window, in nanoseconds. */
export type Steps = { readonly count: number; readonly length: number }

/**
 * Spreads an increase evenly over the steps it overlaps. Steps shorter than the interval between
 * two points then show the average rate instead of peaks and zeros.
 *
 * @param add receives the step, the share of the amount (0 to 1) and the time it covers
 */
export function spreadOverSteps(
  { from, to }: { readonly from: number; readonly to: number },
  steps: Steps,
  add: (step: number, share: number, covered: number) => void,
): void {
  const length = to - from
  if (!(length > 0)) {
    const step = Math.ceil(to / steps.length) - 1
    if (step >= 0 && step < steps.count) add(step, 1, steps.length)
    return
  }
  const first = Math.max(0, Math.floor(from / steps.length))
  const last = Math.min(steps.count - 1, Math.ceil(to / steps.length) - 1)
  for (let step = first; step <= last; step++) {
    const covered = Math.min(to, (step + 1) * steps.length) - Math.max(from, step * steps.length)
    if (covered > 0) add(step, covered / length, covered)
  }
}
