import { parseDuration as parseNanos } from '@spanlink/api-schema/duration'
import { InvalidParameterError } from './invalid-parameter.ts'

export const MAX_UINT64 = 2n ** 64n - 1n
const MAX_INT64 = 2n ** 63n - 1n

/** The cost of BigInt arithmetic grows faster than the number of digits. */
const MAX_DURATION_LENGTH = 64

/** `1.5ms` -> 1500000n. Truncates below a nanosecond and caps at 292 years. */
export function parseDuration(parameter: string, text: string): bigint {
  const nanos = text.length > MAX_DURATION_LENGTH ? undefined : parseNanos(text)
  if (nanos === undefined) {
    const value = JSON.stringify(text.slice(0, MAX_DURATION_LENGTH))
    throw new InvalidParameterError(
      parameter,
      `invalid ${parameter} ${value}: expected a duration such as 250us, 1.5ms or 1h`,
    )
  }
  return nanos < MAX_INT64 ? nanos : MAX_INT64
}

/** Unix nanoseconds, as far as OTLP's fixed64 goes. */
export function parseUnixNano(parameter: string, text: string): bigint {
  const nanos = /^[0-9]{1,20}$/.test(text) ? BigInt(text) : undefined
  if (nanos === undefined || nanos > MAX_UINT64) {
    throw new InvalidParameterError(
      parameter,
      `invalid ${parameter} ${JSON.stringify(text.slice(0, 64))}: expected Unix nanoseconds, 0 to ${MAX_UINT64}`,
    )
  }
  return nanos
}

/** Clocks that are ahead by less than a day are accepted. */
const MAX_CLOCK_SKEW = 86_400_000_000_000n

/**
 * Default end of a search: a day after now. Spans that start later, from a wrong clock, would
 * always be the newest. They are found by id, or by a search that sets an end or starts there.
 */
export function getDefaultEnd(start: bigint): bigint {
  const end = BigInt(Date.now()) * 1_000_000n + MAX_CLOCK_SKEW
  return start < end ? end : MAX_UINT64
}
