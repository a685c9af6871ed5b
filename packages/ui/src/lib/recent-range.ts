/** A length of time up to now, as URLs hold it, and its name. */
export const LASTS = [
  ['15m', 'Last 15 minutes'],
  ['1h', 'Last hour'],
  ['6h', 'Last 6 hours'],
  ['24h', 'Last 24 hours'],
  ['7d', 'Last 7 days'],
] as const

type Last = (typeof LASTS)[number][0]

const MILLIS: Readonly<Record<Last, number>> = {
  '15m': 900_000,
  '1h': 3_600_000,
  '6h': 21_600_000,
  '24h': 86_400_000,
  '7d': 604_800_000,
}

/** An hour where the URL says nothing, or nothing that is known. */
export function lastOf(text: string | null): Last {
  return LASTS.find(([value]) => value === text)?.[0] ?? '1h'
}

/** Unix nanoseconds of so long ago. */
export function startOfLast(last: Last, nowMillis: number): string {
  return `${nowMillis - MILLIS[last]}000000`
}
