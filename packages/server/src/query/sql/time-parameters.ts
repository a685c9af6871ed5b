import { InvalidParameterError } from './invalid-parameter.ts'

export const MAX_UINT64 = 2n ** 64n - 1n
const MAX_INT64 = 2n ** 63n - 1n

const nanosPerUnit: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
}

/** Arithmetic on thousands of digits takes more than their number. */
const MAX_DURATION_LENGTH = 64

/**
 * `1.5ms` -> 1500000n. Digits below a nanosecond are cut, lengths above 292 years mean 292 years.
 */
export function parseDuration(parameter: string, text: string): bigint {
  const match = text.length > MAX_DURATION_LENGTH ? null : /^([0-9]+)(?:\.([0-9]+))?(ns|us|µs|ms|s|m|h)$/.exec(text)
  const unit = nanosPerUnit[match?.[3] ?? '']
  if (match === null || unit === undefined) {
    throw new InvalidParameterError(parameter, `${parameter} is not a length of time such as 250us, 1.5ms or 2s.`)
  }
  const [, whole = '0', fraction = ''] = match
  const scale = 10n ** BigInt(fraction.length)
  const nanos = (BigInt(whole + fraction) * unit) / scale
  return nanos < MAX_INT64 ? nanos : MAX_INT64
}

/** Unix nanoseconds, as far as OTLP's fixed64 goes. */
export function parseUnixNano(parameter: string, text: string): bigint {
  const nanos = /^[0-9]{1,20}$/.test(text) ? BigInt(text) : undefined
  if (nanos === undefined || nanos > MAX_UINT64) {
    throw new InvalidParameterError(parameter, `${parameter} is not a time in Unix nanoseconds (0 to ${MAX_UINT64}).`)
  }
  return nanos
}

/** Clocks that are ahead by less are taken as they are. */
const MAX_CLOCK_SKEW = 86_400_000_000_000n

/**
 * The end of a search that names none: a day after now. Spans that start later, of a clock that is
 * wrong, would be the newest for ever; they are found by id, and by a search that names an end or
 * starts there.
 */
export function getDefaultEnd(start: bigint): bigint {
  const end = BigInt(Date.now()) * 1_000_000n + MAX_CLOCK_SKEW
  return start < end ? end : MAX_UINT64
}
