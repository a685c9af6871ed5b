import { parseDuration } from '@spanlink/api-schema/duration'

/** Ranges that end now: the value in URLs, and its label. */
export const RECENT_RANGES = [
  ['15m', 'Last 15 minutes'],
  ['1h', 'Last hour'],
  ['6h', 'Last 6 hours'],
  ['24h', 'Last 24 hours'],
  ['7d', 'Last 7 days'],
] as const

export type RecentRange = (typeof RECENT_RANGES)[number][0]

/** An unknown or missing range is one hour. */
export function parseRecentRange(text: string | null): RecentRange {
  return RECENT_RANGES.find(([value]) => value === text)?.[0] ?? '1h'
}

/** The range as a URL parameter; the default has none. */
export function writeRecentRange(range: RecentRange = '1h'): string {
  return range === '1h' ? '' : range
}

/** Start of the range in Unix nanoseconds. */
export function startOfRange(range: RecentRange, nowMillis: number): string {
  return `${nowMillis - Number(parseDuration(range) ?? 0n) / 1e6}000000`
}
