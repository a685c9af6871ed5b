import { pickDurationUnit } from '@spanlink/api-schema/duration'

/** `1.23 ms`, `4.2 min`. */
export function formatDuration(nanos: bigint | string | number): string {
  const value = Number(nanos)
  const [name, size] = pickDurationUnit(Math.abs(value), 'd')
  const scaled = value / size
  if (size === 1) return `${Math.round(scaled)} ns`
  const digits = Math.abs(scaled) >= 100 ? 0 : Math.abs(scaled) >= 10 ? 1 : 2
  return `${Number(scaled.toFixed(digits))} ${name === 'm' ? 'min' : name}`
}

/** ISO 8601 in UTC, to the millisecond. */
export function formatTime(unixNano: string | bigint): string {
  const millis = Number(BigInt(unixNano) / 1_000_000n)
  return millis > 8.64e15 ? `${unixNano} ns` : new Date(millis).toISOString()
}

export function formatCount(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`
}

/** `12.3 %` */
export function formatPercent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}

/** The nonempty parts, separated by commas. */
export function joinFacts(facts: readonly (string | false | undefined)[]): string {
  return facts.filter((fact) => fact !== undefined && fact !== false && fact !== '').join(', ')
}
