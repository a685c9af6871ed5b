import { limits } from '../limits.ts'

/**
 * How the spans of an answer are spread over intervals of `step` nanoseconds; the last ends with
 * the window.
 */
export type Intervals = {
  readonly start: bigint
  readonly end: bigint
  readonly step: bigint
  readonly count: number
  /** Unix nanoseconds: an interval that is not over by then is one in the making. */
  readonly now: bigint
}

const SECOND = 1_000_000_000n

/**
 * Nanoseconds of an interval that spans can have started in: fewer than `step` where the window
 * ends within it, or where it is not over. A second at least, as far as it is as long: what a rate
 * says of less is chance.
 */
export function getIntervalLength(at: number, { start, end, step, now }: Intervals): bigint {
  const from = start + BigInt(at) * step
  const last = from + step < end ? from + step : end
  const until = now > from && now < last ? now : last
  const least = step < SECOND ? step : SECOND
  return until - from < least ? least : until - from
}

/**
 * Widens a window to whole steps since 1970, as Tempo does (`AlignRequest`): the same question a
 * moment later has the same intervals, and none but the one in the making is cut.
 */
export function alignToStep(
  { start, end }: { readonly start: bigint; readonly end: bigint },
  step: bigint,
): { readonly start: bigint; readonly end: bigint } {
  const from = start - (start % step)
  const until = end + ((step - (end % step)) % step)
  // Widened, a window of as many steps as there may be would have one more.
  return (until - from) / step > BigInt(limits.points) ? { start, end } : { start: from, end: until }
}
