/**
 * What grew by how much between two times (nanoseconds from the start of the request's window).
 */
export type Increase<Amount> = { readonly from: number; readonly to: number; readonly amount: Amount }

/** A point of a cumulative series. `start` 0 or equal to `time`: when it began isn't known. */
export type CumulativePoint<Amount> = {
  readonly time: number
  readonly start: number | undefined
  readonly amount: Amount
}

/**
 * What each point of a cumulative series adds to the one before it, resets undone (data model,
 * "Resets and gaps", https://opentelemetry.io/docs/specs/otel/metrics/data-model/#resets-and-gaps):
 * a start later than the point before is a new count from 0, and so is an amount smaller than
 * before. The first point adds all it has since its start, or nothing when that isn't known.
 *
 * @param points in order of time
 * @param subtract `later - earlier`, or undefined when that would be negative
 */
export function computeIncreases<Amount>(
  points: readonly CumulativePoint<Amount>[],
  subtract: (later: Amount, earlier: Amount) => Amount | undefined,
): Increase<Amount>[] {
  const result: Increase<Amount>[] = []
  let before: CumulativePoint<Amount> | undefined
  for (const point of points) {
    const { time, start, amount } = point
    if (before === undefined) {
      if (start !== undefined && start < time) result.push({ from: start, to: time, amount })
    } else if (start !== undefined && start >= before.time) {
      // A start that equals the time says: reset, at a time nobody knows. It adds nothing.
      if (start < time) result.push({ from: start, to: time, amount })
    } else {
      result.push({ from: before.time, to: time, amount: subtract(amount, before.amount) ?? amount })
    }
    before = point
  }
  return result
}

/** Steps of a window, in nanoseconds. */
export type Steps = { readonly count: number; readonly length: number }

/**
 * Spreads an increase evenly over the steps that it lies in, so that a step shorter than the
 * interval between two points shows the rate that was, not peaks and zeros.
 *
 * @param add gets the step, the share of the amount (0 to 1) and the time it covers
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
