import { parseDuration } from '@spanlink/api-schema/duration'
import { filtersInQuery, buildQuery, SIMPLE_FILTERS, type SimpleFilters } from './query/filter-query.ts'

/**
 * The search of the Traces page, from its URL. All fields are optional strings with the API's
 * parameter names, except `last`.
 */
export interface TraceFilters extends SimpleFilters {
  /** TraceQL; the simple filters are then ignored. */
  readonly q?: string
  /** A duration up to now, such as `15m`; `start` and `end` are then ignored. */
  readonly last?: string
  /** Unix nanoseconds. */
  readonly start?: string
  readonly end?: string
  readonly limit?: string
  /** A field to group by. */
  readonly by?: string
}

const filterNames = ['q', ...SIMPLE_FILTERS, 'last', 'start', 'end', 'limit', 'by'] as const

export const DEFAULT_LIMIT = 50
/** Maximum `limit` of the API. */
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
  return `api/traces?${params}`
}

/** API parameters of the filters, without the time range. */
export function conditionParams(filters: TraceFilters): URLSearchParams {
  if (filters.by !== undefined) return new URLSearchParams({ q: groupedQuery(filters, filters.by) })
  if (filters.q !== undefined) return new URLSearchParams({ q: filters.q })
  const params = new URLSearchParams()
  for (const name of SIMPLE_FILTERS) {
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
    : { start: `${Math.max(0, nowMillis - Math.round(Number(length) / 1e6))}000000` }
}

/** The filters as TraceQL text. */
export function toQueryText(filters: TraceFilters): string {
  return filters.q ?? buildQuery(filters)
}

/**
 * The search with another query. Uses filters if they can express it, which keeps URLs short and
 * allows paging.
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
