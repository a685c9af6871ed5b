import { formatDuration } from './duration.ts'

/**
 * `12 s ago`, `in 3 s` (a clock ahead of ours), `just now`. Coarse, so that it rarely changes while
 * it is read.
 */
export function formatAge(atMillis: number, nowMillis: number): string {
  const seconds = Math.round((nowMillis - atMillis) / 1000)
  if (Math.abs(seconds) < 1) return 'just now'
  return seconds > 0 ? `${coarse(seconds)} ago` : `in ${coarse(-seconds)}`
}

/** Unix milliseconds, as Date takes them; the last six digits are dropped. */
export function toMillis(unixNano: string): number {
  return Number(BigInt(unixNano) / 1_000_000n)
}

const day = new Intl.DateTimeFormat('en-CA', { year: 'numeric', month: '2-digit', day: '2-digit' })
const time = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })

/** `2026-11-20 13:05:09.123456789` in the browser's time zone, with all nanosecond digits. */
export function formatTime(unixNano: string): string {
  const millis = toMillis(unixNano)
  if (millis > 8.64e15) return `${unixNano} ns`
  const date = new Date(millis)
  return `${day.format(date)} ${time.format(date)}.${unixNano.slice(-9).padStart(9, '0')}`
}

/** `2026-11-20 13:05:09.123456789 UTC+1`, for tooltips. */
export function formatTimeWithZone(unixNano: string): string {
  const millis = toMillis(unixNano)
  if (millis > 8.64e15) return formatTime(unixNano)
  return `${formatTime(unixNano)} ${formatUtcOffset(-new Date(millis).getTimezoneOffset())}`
}

/** `UTC`, `UTC+1`, `UTC-3:30`. */
export function formatUtcOffset(minutes: number): string {
  if (minutes === 0) return 'UTC'
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60]
  return `UTC${minutes < 0 ? '-' : '+'}${hours}${rest === 0 ? '' : `:${String(rest).padStart(2, '0')}`}`
}

function coarse(seconds: number): string {
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`
  if (seconds < 86_400) return formatDuration(Math.floor(seconds / 60) * 60e9)
  return `${Math.floor(seconds / 86_400)}d`
}
