import type { KeyValue, LogsResponse, SearchedRange } from '@spanlink/api-schema'
import type { ComponentChildren } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import './logs.css'
import { describeIncompleteSearch, formatSearchedRange, searchedBy } from '../lib/searched-range.ts'
import { leaveField, useKeys, type KeyBinding } from '../app/keyboard.ts'
import { isFiltered, logsPath, parseLogsUrl, logsUrl, type LogsPageState } from './logs-url.ts'
import { formatAttribute } from '../lib/format/attribute.ts'
import { createOlderPages } from '../lib/older-pages.ts'
import { poll } from '../lib/poll.ts'
import { createResource } from '../lib/resource.ts'
import { focusRow } from '../components/list/row-navigation.ts'
import { LoadingRows, Notice, ConnectLink } from '../components/notice.tsx'
import { LoadMore } from '../components/list/load-more.tsx'
import { LogFilters, SEARCH_ID } from './log-filters.tsx'
import { keyedRecords, Records } from './log-records.tsx'
import { usePageTitle } from '../lib/url.ts'

const REFRESH_INTERVAL_MS = 3000
const RECORDS = '.logs summary'
const KEYS: readonly KeyBinding[] = [
  { keys: ['/'], does: 'Search logs', run: () => document.getElementById(SEARCH_ID)?.focus() },
  { keys: ['j', 'ArrowDown'], does: 'Next record', run: () => focusRow(RECORDS, 1) },
  { keys: ['k', 'ArrowUp'], does: 'Previous record', run: () => focusRow(RECORDS, -1) },
  { keys: ['Escape'], does: 'Exit search', run: leaveField, whileTyping: true },
]
/** Servers reject URLs with longer values. */
const MAX_VALUE_LENGTH = 1000

export function LogsPage({ query }: { readonly query: URLSearchParams }) {
  const search = query.toString()
  const pageState = useMemo(() => parseLogsUrl(query), [search])
  const logs = useMemo(() => createResource<LogsResponse>(), [])
  const older = useMemo(() => createOlderPages<LogsResponse>(), [])
  useEffect(() => {
    const stop = poll(async () => {
      if (older.pages.peek().length === 0) await logs.load(logsPath(pageState, Date.now()))
    }, REFRESH_INTERVAL_MS)
    return () => {
      stop()
      logs.stop()
      older.clear()
    }
  }, [logs, older, pageState])
  usePageTitle('Logs')
  useKeys('Logs', KEYS)
  const { data, dataPath, error } = logs.state.value
  const pages = data === undefined ? undefined : ([data, ...older.pages.value] as const)
  const range = pages && searchedBy(pages)
  const more = data && <LoadMore older={older} path={dataPath ?? ''} first={data} words="Load older" />
  const recordsWith = useMemo(
    () =>
      ({ key, value }: KeyValue) => {
        const text = formatAttribute(value)
        if (key.includes('=') || text.length >= MAX_VALUE_LENGTH) return undefined
        return { href: logsUrl({ ...pageState, attribute: `${key}=${text}` }), title: 'Only records with this value' }
      },
    [pageState],
  )
  return (
    <div class="page logs-page">
      <h1 class="visually-hidden">Logs</h1>
      <LogFilters pageState={pageState} />
      {error !== undefined && (data === undefined || error.status === 400) ? (
        <Notice
          icon="unplugged"
          kind="error"
          title={error.status === 400 ? (error.title ?? 'Invalid query') : 'The logs could not be loaded'}
        >
          <p>{error.message}</p>
          <p>{error.status === 400 ? <a href="logs">Clear filters</a> : <span class="faint">Retrying…</span>}</p>
        </Notice>
      ) : pages === undefined || range === undefined ? (
        <LoadingRows label="Loading logs" />
      ) : pages.every(({ logs }) => logs.length === 0) ? (
        <EmptyNotice pageState={pageState} range={range} more={more} />
      ) : (
        <Records
          key={search}
          list={search}
          records={keyedRecords(pages)}
          range={range}
          recordsWith={recordsWith}
          error={error}
          more={more}
        />
      )}
    </div>
  )
}

function EmptyNotice(props: {
  readonly pageState: LogsPageState
  readonly range: SearchedRange
  readonly more: ComponentChildren
}) {
  const { pageState, range } = props
  if (!range.complete) {
    return (
      <Notice icon="search" title={`No log record matches from ${formatSearchedRange(range.searched)}`}>
        <p>{describeIncompleteSearch(range, 'records')}</p>
        {props.more}
      </Notice>
    )
  }
  const searched = `Searched ${formatSearchedRange(range.searched)}.`
  const widen = (
    <p>
      <a href={logsUrl({ ...pageState, last: '7d' })}>Search the last 7 days</a>
    </p>
  )
  if (isFiltered(pageState)) {
    return (
      <Notice icon="search" title="No log record matches">
        <p>
          {searched} Widen the time, or <a href="logs">clear filters</a>. New records appear here as they arrive.
        </p>
        {pageState.last !== '7d' && pageState.traceId === '' && widen}
      </Notice>
    )
  }
  return (
    <Notice icon="plug" title="No logs in range">
      <p>{searched} Log records that applications send by OTLP appear here as they arrive.</p>
      {pageState.last !== '7d' && widen}
      <ConnectLink />
    </Notice>
  )
}
