import { readParams, withParams } from '../lib/query-params.ts'
import { startOfRange, parseRecentRange, type RecentRange, writeRecentRange } from '../lib/recent-range.ts'

/** The state of the Logs page, from its URL. */
export interface LogsPageState {
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

export function parseLogsUrl(query: URLSearchParams): LogsPageState {
  return { ...readParams(query, names), last: parseRecentRange(query.get('last')) }
}

/** Whether any filter besides the time range is set. */
export function isFiltered(pageState: LogsPageState): boolean {
  return names.some((name) => pageState[name] !== '')
}

export function logsUrl(pageState: Partial<LogsPageState>): string {
  return withParams('logs', { ...pageState, last: writeRecentRange(pageState.last) })
}

export function logsPath(pageState: LogsPageState, nowMillis: number): string {
  const { last, ...filters } = pageState
  // The logs of a trace are shown for all time.
  const start = filters.traceId === '' && startOfRange(last, nowMillis)
  return withParams('api/logs', { limit: '100', ...filters, start })
}
