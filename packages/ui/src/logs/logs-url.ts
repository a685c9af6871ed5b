import { readParams, setParams } from '../lib/query-params.ts'
import { startOfRange, parseRecentRange, type RecentRange } from '../lib/recent-range.ts'

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
  const params = new URLSearchParams()
  setParams(params, names, pageState)
  if (pageState.last !== undefined && pageState.last !== '1h') params.set('last', pageState.last)
  return params.size === 0 ? '/logs' : `/logs?${params}`
}

export function logsPath(pageState: LogsPageState, nowMillis: number): string {
  const params = new URLSearchParams({ limit: '100' })
  setParams(params, names, pageState)
  // The logs of a trace are shown for all time.
  if (pageState.traceId === '') params.set('start', startOfRange(pageState.last, nowMillis))
  return `/api/logs?${params}`
}
