import type { KeyValue, LogsResponse, SearchedRange, ServicesResponse } from '@spanlink/api-schema'
import type { ComponentChildren } from 'preact'
import { useEffect, useLayoutEffect, useMemo } from 'preact/hooks'
import '../styles/signals.css'
import { incompleteText, rangeText, searchedBy } from '../lib/searched-range.ts'
import { bindKeys } from '../app/keyboard.ts'
import { isFiltered, logsPath, logsPlaceOf, logsUrl, type LogsPlace } from './logs-url.ts'
import { attributeText } from '../lib/format/attribute-text.ts'
import { visibleText } from '../lib/format/visible-text.ts'
import { createOlderPages } from '../lib/older-pages.ts'
import { poll } from '../lib/poll.ts'
import { createResource } from '../lib/resource.ts'
import { LASTS, lastOf } from '../lib/recent-range.ts'
import { push } from '../lib/url.ts'
import { focusRow } from '../components/list/row-navigation.ts'
import { Icon } from '../components/buttons/icon.tsx'
import { LoadingRows } from '../components/list/loading-rows.tsx'
import { Notice } from '../components/notice.tsx'
import { ShowMore } from '../components/list/load-more.tsx'
import { keyedRecords, Records } from './log-records.tsx'

const REFRESH_MILLIS = 3000
const RECORDS = '.logs summary'
/** Longer values make addresses that servers refuse. */
const MOST_ASKED = 1000
const SEARCH_ID = 'logs-search'
const severities = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const

export function LogsPage({ query }: { readonly query: URLSearchParams }) {
  const search = query.toString()
  const place = useMemo(() => logsPlaceOf(query), [search])
  const logs = useMemo(() => createResource<LogsResponse>(), [])
  const older = useMemo(() => createOlderPages<LogsResponse>(), [])
  useEffect(() => {
    document.title = 'Logs · Spanlink'
    const stop = poll(async () => {
      if (older.pages.peek().length === 0) await logs.load(logsPath(place, Date.now()))
    }, REFRESH_MILLIS)
    return () => {
      stop()
      logs.stop()
      older.clear()
    }
  }, [logs, older, place])
  useLayoutEffect(
    () =>
      bindKeys({
        title: 'Logs',
        bindings: [
          { keys: ['/'], does: 'Search the logs', run: () => document.getElementById(SEARCH_ID)?.focus() },
          { keys: ['j', 'ArrowDown'], does: 'Next record', run: () => focusRow(RECORDS, 1) },
          { keys: ['k', 'ArrowUp'], does: 'Previous record', run: () => focusRow(RECORDS, -1) },
          {
            keys: ['Escape'],
            does: 'Leave the search',
            run: () => document.activeElement instanceof HTMLElement && document.activeElement.blur(),
            whileTyping: true,
          },
        ],
      }),
    [],
  )
  const { data, dataPath, error } = logs.state.value
  const range = data === undefined ? undefined : searchedBy([data, ...older.pages.value])
  const hasNone = [...(data === undefined ? [] : [data]), ...older.pages.value].every(({ logs }) => logs.length === 0)
  const recordsWith = useMemo(
    () =>
      ({ key, value }: KeyValue) => {
        const text = attributeText(value)
        if (key.includes('=') || text.length >= MOST_ASKED) return undefined
        return { href: logsUrl({ ...place, attribute: `${key}=${text}` }), title: 'Only records with this value' }
      },
    [place],
  )
  const set = (change: Partial<LogsPlace>): void => push(logsUrl({ ...place, ...change }))
  return (
    <div class="logs-page">
      <h1 class="visually-hidden">Logs</h1>
      <LogFilters place={place} onSet={set} />
      {error !== undefined && (data === undefined || error.status === 400) ? (
        <Notice
          icon="unplugged"
          kind="error"
          title={error.status === 400 ? 'Invalid query' : 'The logs could not be loaded'}
        >
          <p>{error.message}</p>
          <p>{error.status === 400 ? <a href="/logs">Clear the filters</a> : <span class="faint">Retrying…</span>}</p>
        </Notice>
      ) : data === undefined ? (
        <LoadingRows label="Loading logs" />
      ) : range === undefined || hasNone ? (
        <Nothing
          place={place}
          range={range}
          more={<ShowMore older={older} path={dataPath ?? ''} first={data} words="Load older" />}
        />
      ) : (
        <Records
          key={search}
          list={search}
          records={keyedRecords([data, ...older.pages.value])}
          range={range}
          recordsWith={recordsWith}
          error={error}
          more={<ShowMore older={older} path={dataPath ?? ''} first={data} words="Load older" />}
        />
      )}
    </div>
  )
}

function Nothing(props: {
  readonly place: LogsPlace
  readonly range: SearchedRange | undefined
  readonly more: ComponentChildren
}) {
  const { place, range } = props
  if (range !== undefined && !range.complete) {
    return (
      <Notice icon="search" title={`No log record matches from ${rangeText(range.searched)}`}>
        <p>{incompleteText(range, 'records')}</p>
        {props.more}
      </Notice>
    )
  }
  const searched = range === undefined ? '' : `Searched ${rangeText(range.searched)}.`
  const widen = (
    <p>
      <a href={logsUrl({ ...place, last: '7d' })}>Search the last 7 days</a>
    </p>
  )
  if (isFiltered(place)) {
    return (
      <Notice icon="search" title="No log record matches">
        <p>
          {searched} Widen the time, or <a href="/logs">clear the filters</a>. New records appear here as they arrive.
        </p>
        {place.last !== '7d' && place.traceId === '' && widen}
      </Notice>
    )
  }
  return (
    <Notice icon="plug" title="No logs in range">
      <p>{searched} Log records that applications send by OTLP appear here as they arrive.</p>
      {place.last !== '7d' && widen}
      <p>
        <a class="button primary" href="/connect">
          Connect an application
        </a>
      </p>
    </Notice>
  )
}

function LogFilters({
  place,
  onSet,
}: {
  readonly place: LogsPlace
  readonly onSet: (change: Partial<LogsPlace>) => void
}) {
  const services = useMemo(() => createResource<ServicesResponse>(), [])
  useEffect(() => void services.load('/api/services'), [services])
  const names = services.state.value.data?.services ?? []
  return (
    <form class="filters" role="search" aria-label="Filter logs" onSubmit={(event) => event.preventDefault()}>
      <label class="grow">
        Text
        <input
          id={SEARCH_ID}
          type="search"
          placeholder="Search message"
          autoComplete="off"
          spellcheck={false}
          value={place.q}
          onChange={(event) => onSet({ q: event.currentTarget.value })}
        />
      </label>
      <label>
        Service
        <select value={place.service} onChange={(event) => onSet({ service: event.currentTarget.value })}>
          <option value="">All services</option>
          {[...new Set([...(place.service === '' ? [] : [place.service]), ...names])].map((name) => (
            <option key={name} value={name}>
              {visibleText(name, 80)}
            </option>
          ))}
        </select>
      </label>
      <label>
        Min severity
        <select value={place.severity} onChange={(event) => onSet({ severity: event.currentTarget.value })}>
          <option value="">Any severity</option>
          {severities.map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
        </select>
      </label>
      <label class="grow">
        Attribute
        <input
          class="mono"
          placeholder="key=value"
          autoComplete="off"
          spellcheck={false}
          value={place.attribute}
          onChange={(event) => onSet({ attribute: event.currentTarget.value.trim() })}
        />
      </label>
      <label>
        Trace
        <input
          class="mono trace-id"
          placeholder="Trace ID"
          autoComplete="off"
          spellcheck={false}
          pattern="\s*[0-9a-fA-F]{32}\s*"
          title="32 hex digits"
          value={place.traceId}
          onChange={(event) => {
            if (event.currentTarget.value === '' || event.currentTarget.reportValidity())
              onSet({ traceId: event.currentTarget.value.trim().toLowerCase(), spanId: '' })
          }}
        />
      </label>
      <label>
        Time
        <select
          value={place.last}
          disabled={place.traceId !== ''}
          onChange={(event) => onSet({ last: lastOf(event.currentTarget.value) })}
        >
          {LASTS.map(([value, name]) => (
            <option key={value} value={value}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <button
        type="button"
        class="clear"
        disabled={!isFiltered(place) && place.last === '1h'}
        title="Clear all filters"
        onClick={() => push('/logs')}
      >
        <Icon name="close" />
        Clear
      </button>
    </form>
  )
}
