import { limits } from '../limits.ts'

/**
 * Intervals of `step` nanoseconds; the last ends with the window.
 */
export type Intervals = {
  readonly start: bigint
  readonly end: bigint
  readonly step: bigint
  readonly count: number
  /** Unix nanoseconds: an interval that ends later is incomplete. */
  readonly now: bigint
}

const SECOND = 1_000_000_000n

/**
 * Nanoseconds of an interval that lie in the window and the past. At least a second, or `step` if
 * shorter: a rate over less is noise.
 */
export function getIntervalLength(at: number, { start, end, step, now }: Intervals): bigint {
  const from = start + BigInt(at) * step
  const last = from + step < end ? from + step : end
  const until = now > from && now < last ? now : last
  const min = step < SECOND ? step : SECOND
  return until - from < min ? min : until - from
}

/**
 * Widens a window to whole steps since 1970, as Tempo does (`AlignRequest`), so that a request a
 * moment later has the same intervals and only the current one is incomplete.
 */
export function alignToStep(
  { start, end }: { readonly start: bigint; readonly end: bigint },
  step: bigint,
): { readonly start: bigint; readonly end: bigint } {
  const from = start - (start % step)
  const until = end + ((step - (end % step)) % step)
  // A window with the maximum number of steps cannot be widened.
  return (until - from) / step > BigInt(limits.points) ? { start, end } : { start: from, end: until }
}
