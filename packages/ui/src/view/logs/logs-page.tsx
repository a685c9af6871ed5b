import type { LogsAnswer, ServicesAnswer } from '@spanlink/contract'
import { useSignal } from '@preact/signals'
import { useEffect, useLayoutEffect, useMemo } from 'preact/hooks'
import '../../style/signals.css'
import { getJson } from '../../state/api.ts'
import { bindKeys } from '../../state/keyboard.ts'
import { logsPath, logsPlaceOf, logsUrl, type LogsPlace } from '../../state/logs-url.ts'
import { poll } from '../../state/poll.ts'
import { createResource } from '../../state/resource.ts'
import { LASTS, lastOf } from '../../state/time-last.ts'
import { replace } from '../../state/url.ts'
import { announce } from '../announcer.tsx'
import { Icon } from '../parts/icon.tsx'
import { Notice } from '../parts/notice.tsx'
import { LogRow } from './log-row.tsx'

const REFRESH_MILLIS = 3000
const SEARCH_ID = 'logs-search'
const severities = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const

export function LogsPage({ query }: { readonly query: URLSearchParams }) {
  const search = query.toString()
  const place = useMemo(() => logsPlaceOf(query), [search])
  const logs = useMemo(() => createResource<LogsAnswer>(), [])
  const older = useSignal<readonly LogsAnswer[]>([])
  useEffect(() => {
    document.title = 'Logs · Spanlink'
    older.value = []
    const stop = poll(async () => {
      // Who has gone back in time reads, and is not to lose the line.
      if (older.peek().length === 0) await logs.load(logsPath(place, Date.now()))
    }, REFRESH_MILLIS)
    return () => {
      stop()
      logs.stop()
    }
  }, [logs, place])
  useLayoutEffect(
    () =>
      bindKeys({
        title: 'Logs',
        bindings: [
          { keys: ['/'], does: 'Search the logs', run: () => document.getElementById(SEARCH_ID)?.focus() },
          { keys: ['j', 'ArrowDown'], does: 'Next record', run: () => focusRecord(1) },
          { keys: ['k', 'ArrowUp'], does: 'Previous record', run: () => focusRecord(-1) },
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
  const { data, error } = logs.state.value
  const pages = data === undefined ? [] : [data, ...older.value]
  const next = pages.at(-1)?.nextCursor
  const more = async (): Promise<void> => {
    const page = await getJson<LogsAnswer>(logsPath(place, Date.now(), next), AbortSignal.timeout(30_000)).catch(
      () => undefined,
    )
    if (page === undefined) announce('Older records could not be loaded.')
    else older.value = [...older.value, page]
  }
  const set = (change: Partial<LogsPlace>): void => replace(logsUrl({ ...place, ...change }))
  return (
    <div class="logs-page">
      <h1 class="visually-hidden">Logs</h1>
      <LogFilters place={place} onSet={set} />
      {error !== undefined && (data === undefined || error.status === 400) ? (
        <Notice icon="unplugged" kind="error" title="The logs could not be loaded">
          <p>{error.message}</p>
        </Notice>
      ) : data === undefined ? (
        <div class="loading-rows" role="status" aria-label="Loading logs">
          {Array.from({ length: 16 }, (_, row) => (
            <i key={row} />
          ))}
        </div>
      ) : data.logs.length === 0 ? (
        <Notice icon="search" title="No log record matches">
          <p>
            Widen the time, or <a href="/logs">clear the filters</a>. Records come by OTLP, like traces:{' '}
            <a href="/connect">how to connect</a>. New ones appear here by themselves.
          </p>
        </Notice>
      ) : (
        <div class="log-scroll">
          {error !== undefined && (
            <p class="cut" role="status">
              <Icon name="warning" /> Not refreshing: {error.message}
            </p>
          )}
          <ol class="logs" aria-label="Log records, newest first">
            {pages.flatMap((page, at) =>
              page.logs.map((record, index) => (
                <LogRow
                  key={`${record.timestampUnixNano}-${record.spanId}-${at === 0 ? page.logs.length - index : `${at}.${index}`}`}
                  record={record}
                  source={page.sources[record.source]}
                  onAttribute={(attribute) => set({ attribute })}
                />
              )),
            )}
          </ol>
          {next !== undefined && (
            <p class="more">
              <button type="button" onClick={() => void more()}>
                Show older
              </button>
            </p>
          )}
        </div>
      )}
    </div>
  )
}

function LogFilters({
  place,
  onSet,
}: {
  readonly place: LogsPlace
  readonly onSet: (change: Partial<LogsPlace>) => void
}) {
  const services = useMemo(() => createResource<ServicesAnswer>(), [])
  useEffect(() => void services.load('/api/services'), [services])
  const names = services.state.value.data?.services ?? []
  return (
    <form class="filters" role="search" aria-label="Filter logs" onSubmit={(event) => event.preventDefault()}>
      <label class="grow">
        Text
        <input
          id={SEARCH_ID}
          type="search"
          placeholder="In the body"
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
              {name.slice(0, 80)}
            </option>
          ))}
        </select>
      </label>
      <label>
        At least
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
          placeholder="trace id"
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
      <button type="button" class="clear" onClick={() => replace('/logs')}>
        <Icon name="close" />
        Clear
      </button>
    </form>
  )
}

function focusRecord(by: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>('.logs summary')]
  const at = rows.findIndex((row) => row === document.activeElement)
  rows[at === -1 ? 0 : Math.min(rows.length - 1, Math.max(0, at + by))]?.focus()
}
