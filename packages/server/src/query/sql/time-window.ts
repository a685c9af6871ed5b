import { InvalidParameterError } from './invalid-parameter.ts'
import { bucket, bucketOf } from './span-bucket.ts'
import { parseUnixNano } from './time-parameters.ts'

/** From `start` to before `end`, in Unix nanoseconds. */
export type TimeWindow = { readonly start: bigint; readonly end: bigint }

export const MINUTE_NANO = 60_000_000_000n
const HOUR_NANO = 60n * MINUTE_NANO

/** The last hour by default. */
export function parseTimeWindow({ start, end }: { readonly start?: string; readonly end?: string }): TimeWindow {
  const until = end === undefined ? BigInt(Date.now()) * 1_000_000n : parseUnixNano('end', end)
  const from = start === undefined ? (until > HOUR_NANO ? until - HOUR_NANO : 0n) : parseUnixNano('start', start)
  if (from >= until) throw new InvalidParameterError('start', 'invalid start: expected a time before end')
  return { start: from, end: until }
}

/** SQL: the span starts in the window `{windowStart:UInt64}` to `{windowEnd:UInt64}`. */
export const inWindow = `start >= {windowStart:UInt64} and start < {windowEnd:UInt64}
  and ${bucket} between ${bucketOf('{windowStart:UInt64}')} and ${bucketOf('{windowEnd:UInt64}')}`

export function toWindowParams({ start, end }: TimeWindow): Readonly<Record<'windowStart' | 'windowEnd', string>> {
  return { windowStart: String(start), windowEnd: String(end) }
}
