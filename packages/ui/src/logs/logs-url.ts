import { startOfRange, parseRecentRange, type RecentRange } from '../lib/recent-range.ts'

/** The Logs page as its URL holds it. */
export interface LogsPlace {
  readonly q: string
  readonly service: string
  readonly severity: string
  readonly traceId: string
  readonly spanId: string
  /** `key=value`. */
  readonly attribute: string
  readonly last: RecentRange
}

const names = ['q', 'service', 'severity', 'traceId', 'spanId', 'attribute'] as const

export function logsPlaceOf(query: URLSearchParams): LogsPlace {
  const given = Object.fromEntries(names.map((name) => [name, query.get(name) ?? ''])) as Record<
    (typeof names)[number],
    string
  >
  return { ...given, last: parseRecentRange(query.get('last')) }
}

/** Beyond the time. */
export function isFiltered(place: LogsPlace): boolean {
  return names.some((name) => place[name] !== '')
}

export function logsUrl(place: Partial<LogsPlace>): string {
  const params = new URLSearchParams()
  for (const name of names) if (place[name]) params.set(name, place[name])
  if (place.last !== undefined && place.last !== '1h') params.set('last', place.last)
  return params.size === 0 ? '/logs' : `/logs?${params}`
}

export function logsPath(place: LogsPlace, nowMillis: number): string {
  const params = new URLSearchParams({ limit: '100' })
  for (const name of names) if (place[name] !== '') params.set(name, place[name])
  // A trace is looked at whole, whenever it was.
  if (place.traceId === '') params.set('start', startOfRange(place.last, nowMillis))
  return `/api/logs?${params}`
}
