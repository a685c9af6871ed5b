import { parseDuration } from '../lib/format/duration-text.ts'
import { filtersInQuery, buildQuery } from './query/filter-query.ts'

/**
 * The search of the Traces page as its URL holds it: all optional, all strings, in the API's own
 * words besides `last`.
 */
export interface TraceFilters {
  /** TraceQL; then the five below are not used. */
  readonly q?: string
  readonly service?: string
  readonly operation?: string
  readonly minDuration?: string
  readonly maxDuration?: string
  readonly status?: string
  /** A length of time up to now, such as `15m`; start and end are not used beside it. */
  readonly last?: string
  /** Unix nanoseconds. */
  readonly start?: string
  readonly end?: string
  readonly limit?: string
  /** A field to group by. */
  readonly by?: string
}

const filterNames = [
  'q',
  'service',
  'operation',
  'minDuration',
  'maxDuration',
  'status',
  'last',
  'start',
  'end',
  'limit',
  'by',
] as const satisfies readonly (keyof TraceFilters)[]

export const DEFAULT_LIMIT = 50
/** The most that the API gives at once. */
export const MAX_TRACES = 500

export function parseTraceFilters(query: URLSearchParams): TraceFilters {
  return Object.fromEntries(filterNames.map((name) => [name, query.get(name) || undefined]))
}

export function isFiltered(filters: TraceFilters): boolean {
  return filterNames.some((name) => name !== 'limit' && name !== 'by' && filters[name] !== undefined)
}

/** The API request. `last` becomes a start, so a refresh needs a new path. */
export function tracesPath(filters: TraceFilters, nowMillis: number): string {
  const params = conditionParams(filters)
  const { start, end } = toTimeRange(filters, nowMillis)
  if (start !== undefined) params.set('start', start)
  if (end !== undefined) params.set('end', end)
  params.set('limit', filters.by === undefined ? (filters.limit ?? String(DEFAULT_LIMIT)) : String(MAX_TRACES))
  return `/api/traces?${params}`
}

/** What spans have to be, without when. */
export function conditionParams(filters: TraceFilters): URLSearchParams {
  if (filters.by !== undefined) return new URLSearchParams({ q: groupedQuery(filters, filters.by) })
  if (filters.q !== undefined) return new URLSearchParams({ q: filters.q })
  const params = new URLSearchParams()
  for (const name of ['service', 'operation', 'minDuration', 'maxDuration', 'status'] as const) {
    const value = filters[name]
    if (value !== undefined) params.set(name, value)
  }
  return params
}

/** Unix nanoseconds. */
export function toTimeRange(
  filters: TraceFilters,
  nowMillis: number,
): { readonly start?: string; readonly end?: string } {
  const length = parseDuration(filters.last ?? '')
  return length === undefined
    ? { start: filters.start, end: filters.end }
    : { start: `${Math.max(0, nowMillis - Math.round(length / 1e6))}000000` }
}

/** The query that the filters are, written out. */
export function toQueryText(filters: TraceFilters): string {
  return filters.q ?? buildQuery(filters)
}

/**
 * The search with another query: as filters where these can say it all, which keeps addresses short
 * and pages endless.
 */
export function withQuery(filters: TraceFilters, text: string): TraceFilters {
  const { last, start, end, by } = filters
  const when = { last, start, end, by }
  const found = filtersInQuery(text)
  if (found.rest?.length === 0) return { ...when, ...found.filters }
  return { ...when, q: text.trim() }
}

function groupedQuery(filters: TraceFilters, by: string): string {
  return `${toQueryText(filters) || '{ }'} | by(${by})`
}
