/** Units of durations, largest first, with their length in nanoseconds. */
export const DURATION_UNITS = [
  ['y', 31_536_000e9],
  ['w', 604_800e9],
  ['d', 86_400e9],
  ['h', 3600e9],
  ['m', 60e9],
  ['s', 1e9],
  ['ms', 1e6],
  ['µs', 1e3],
  ['ns', 1],
] as const

type UnitName = (typeof DURATION_UNITS)[number][0]

const NANOS = new Map(DURATION_UNITS.map(([name, nanos]) => [name as string, BigInt(nanos)]))

/** Source of a regular expression. `us` and the Greek letter are µs too. */
export const DURATION_UNIT_PATTERN = '(?:ns|us|µs|μs|ms|s|m|h|d|w|y)'

/** Source of a regular expression: `1.5s`, `.5h`, `1h30m`. */
export const DURATION_PATTERN = String.raw`(?:(?:\d+(?:\.\d*)?|\.\d+)${DURATION_UNIT_PATTERN})+`

const DURATION = new RegExp(`^${DURATION_PATTERN}$`)

/** `1h30m` -> 5400000000000n. Truncates below a nanosecond; undefined for any other text. */
export function parseDuration(text: string): bigint | undefined {
  if (!DURATION.test(text)) return undefined
  let sum = 0n
  for (const [, whole = '', fraction = '', unit = ''] of text.matchAll(/(\d*)\.?(\d*)(\D+)/g)) {
    const nanos = NANOS.get(unit.replace(/[uμ]/, 'µ')) ?? 0n
    sum += (BigInt(whole + fraction) * nanos) / 10n ** BigInt(fraction.length)
  }
  return sum
}

/** The largest unit up to `largest` that fits into the duration, `ns` if none does. */
export function pickDurationUnit(nanos: number, largest: UnitName): (typeof DURATION_UNITS)[number] {
  const from = DURATION_UNITS.findIndex(([name]) => name === largest)
  return DURATION_UNITS.find(([, size], at) => at >= from && nanos >= size) ?? ['ns', 1]
}
