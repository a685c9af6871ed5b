/** Offsets of the first fields of a row (span-fields.ts): all have a fixed width. */
export const SPAN_OFFSETS = {
  received: 0,
  /** Trace id, then span id. */
  ids: 4,
  start: 36,
  duration: 44,
  kind: 52,
  status: 53,
} as const

/** Trace id and span id together. */
export const IDS_BYTES = 24

/** Number in the enum of `status`. */
export const ERROR = 2

const MINUTE_NANO = 60_000_000_000

/** Converts a UInt64 of nanoseconds to minutes since 1970. */
export function readMinute(view: DataView, at: number): number {
  const low = view.getUint32(at, true)
  const high = view.getUint32(at + 4, true)
  const minute = Math.floor((high * 2 ** 32 + low) / MINUTE_NANO)
  // Beyond 2^53, a time is rounded and may reach the next minute. The start of a minute is exact
  // (60·10⁹ is 2¹¹ times an odd number of 25 bits).
  const begin = minute * MINUTE_NANO
  const beginHigh = Math.floor(begin / 2 ** 32)
  return high < beginHigh || (high === beginHigh && low < begin - beginHigh * 2 ** 32) ? minute - 1 : minute
}

/** Reads an Int64 of nanoseconds, rounded beyond 2^53; negative durations are 0. */
export function readDuration(view: DataView, at: number): number {
  const high = view.getInt32(at + 4, true)
  return high < 0 ? 0 : high * 2 ** 32 + view.getUint32(at, true)
}

/** Compares two durations: above 0 if the first is longer. Negative durations equal 0. */
export function compareDurations(a: DataView, aAt: number, b: DataView, bAt: number): number {
  const highA = a.getInt32(aAt + 4, true)
  const highB = b.getInt32(bAt + 4, true)
  if (highA < 0 || highB < 0) return readDuration(a, aAt) - readDuration(b, bAt)
  return highA - highB || a.getUint32(aAt, true) - b.getUint32(bAt, true)
}
