import { DURATION_UNITS, pickDurationUnit } from '@spanlink/api-schema/duration'

/**
 * `0`, `1.23 ms`, `45 s`, `2m 5s`: three significant digits, two units from a minute up. Negative
 * durations keep their sign.
 */
export function formatDuration(nanos: number): string {
  if (nanos === 0) return '0'
  if (nanos < 0) return `−${formatDuration(-nanos)}`
  const [unit, size] = pickDurationUnit(nanos, 'd')
  const at = DURATION_UNITS.findIndex(([name]) => name === unit)
  if (size < 60e9) return roundsUp(nanos / size, at) ?? `${digits(nanos / size)} ${unit}`
  const [lesserUnit, lesserSize] = DURATION_UNITS[at + 1] ?? ['s', 1e9]
  const lesser = Math.round(nanos / lesserSize)
  const ratio = Math.round(size / lesserSize)
  const rest = lesser % ratio
  return rest === 0
    ? `${Math.floor(lesser / ratio)}${unit}`
    : `${Math.floor(lesser / ratio)}${unit} ${rest}${lesserUnit}`
}

/** Formats a decimal string of nanoseconds, as the API returns it. */
export function formatDurationNano(nanos: string): string {
  return formatDuration(Number(nanos))
}

/** Converts `250` and `1.5 s` to the form that the API takes: `250ms`, `1.5s`. */
export function normalizeDuration(text: string): string | undefined {
  const written = text.trim().replace(/\s+/g, '')
  if (written === '') return undefined
  return /^[0-9]+(\.[0-9]+)?$/.test(written) ? `${written}ms` : written
}

/**
 * A signed offset, `+1.2 ms`. Negative with clock skew, or for records of a span outside its time
 * range.
 */
export function formatOffset(nanos: string): string {
  return nanos.startsWith('-') ? formatDurationNano(nanos) : `+${formatDurationNano(nanos)}`
}

/** Returns `1 s` for 999.9 ms instead of `1000 ms`. */
function roundsUp(value: number, at: number): string | undefined {
  const above = DURATION_UNITS[at - 1]
  return value >= 999.5 && above !== undefined && above[1] < 60e9 ? `1 ${above[0]}` : undefined
}

function digits(value: number): string {
  const decimals = value >= 100 ? 0 : value >= 10 ? 1 : 2
  const text = value.toFixed(decimals)
  return decimals === 0 ? text : text.replace(/\.?0+$/, '')
}
