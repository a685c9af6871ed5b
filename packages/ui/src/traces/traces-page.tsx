import type { SearchedRange, TracesResponse } from '@spanlink/api-schema'
import { signal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import { withCondition, withFilters, type SimpleFilters } from './query/filter-query.ts'
import type { ApiError } from '../lib/api.ts'
import { describeIncompleteSearch, formatSearchedRange, searchedBy } from '../lib/searched-range.ts'
import { leaveField, useKeys, type KeyBinding } from '../app/keyboard.ts'
import { createLiveTraces, mergeTraces, appendOlder, type LiveTraces } from './live-traces.ts'
import { removeLimit } from '../lib/older-pages.ts'
import { poll } from '../lib/poll.ts'
import { useHeldList } from '../components/list/use-held-list.ts'
import {
  DEFAULT_LIMIT,
  parseTraceFilters,
  isFiltered,
  MAX_TRACES,
  toQueryText,
  withQuery,
  type TraceFilters,
} from './trace-filters.ts'
import { tracesUrl } from '../app/route.ts'
import { push, replace, route, usePageTitle } from '../lib/url.ts'
import { focusRow } from '../components/list/row-navigation.ts'
import { Icon } from '../components/buttons/icon.tsx'
import { LiveButton, NewRowsButton, RefreshError, SearchedRangeText } from '../components/list/results-bar.tsx'
import { LoadingRows, Notice, ConnectLink } from '../components/notice.tsx'
import { LoadMore } from '../components/list/load-more.tsx'
import { FilterBar } from './filter-bar.tsx'
import { GroupTable } from './group-table.tsx'
import { Heatmap } from './heatmap/heatmap.tsx'
import { QUERY_ID, QueryInput } from './query/query-input.tsx'
import { TRACE_LINKS, TraceTable } from './trace-table.tsx'
import { QueryError } from './query/query-error.tsx'

const REFRESH_INTERVAL_MS = 5000

/** Outlives the page, so a paused list is unchanged after a trace was opened. */
const paused = signal(false)

const KEYS: readonly KeyBinding[] = [
  { keys: ['j', 'ArrowDown'], does: 'Next trace', run: () => focusRow(TRACE_LINKS, 1) },
  { keys: ['k', 'ArrowUp'], does: 'Previous trace', run: () => focusRow(TRACE_LINKS, -1) },
  { keys: ['Enter'], does: 'Open trace', run: () => focusRow(TRACE_LINKS, 1) },
  { keys: ['/'], does: 'Edit query', run: () => document.getElementById(QUERY_ID)?.focus() },
  { keys: ['Escape'], does: 'Exit query or filters', run: leaveField, whileTyping: true },
  { keys: ['p'], does: 'Pause or resume refreshing', run: () => (paused.value = !paused.value) },
]

export function TracesPage({ query }: { readonly query: URLSearchParams }) {
  const filterKey = removeLimit(query)
  const filters = useMemo(() => parseTraceFilters(query), [filterKey])
  const live = useMemo(createLiveTraces, [])
  const requestedFilters = useRef<TraceFilters | undefined>(undefined)
  useEffect(() => {
    const isRequested = requestedFilters.current === filters
    requestedFilters.current = filters
    if (paused.value) {
      // Pausing keeps the list; new filters, or opening the page while paused, load it.
      if (!isRequested) void live.search(filters)
      return undefined
    }
    // Polled, not streamed: group counts cover the whole list, and a range that ended gets no new
    // spans.
    if (filters.by !== undefined || (filters.end !== undefined && filters.last === undefined))
      return poll(() => live.search(filters), REFRESH_INTERVAL_MS)
    return live.follow(filters)
  }, [live, filters, paused.value])
  useEffect(() => () => live.stop(), [live])
  usePageTitle(filters.service?.slice(0, 60) ?? 'Traces')
  useKeys('Traces', KEYS)
  return (
    <div class="page">
      <h1 class="visually-hidden">Traces</h1>
      <QueryInput text={toQueryText(filters)} onRun={(text) => push(tracesUrl({ ...withQuery(filters, text) }))} />
      <FilterBar filters={filters} />
      <Results
        filters={filters}
        live={live}
        isCurrent={live.loadedFilters.value === filters}
        onRetry={() => void live.search(filters)}
      />
    </div>
  )
}

function Results(props: {
  readonly filters: TraceFilters
  readonly live: LiveTraces
  /**
   * Whether the data belong to these filters. While a response is pending the old data stay
   * visible; after an error they are hidden.
   */
  readonly isCurrent: boolean
  readonly onRetry: () => void
}) {
  const { filters, live } = props
  const { data, dataPath, error } = live.state.value
  const isRefused = error?.status === 400 || error?.status === 422
  if (error !== undefined && (data === undefined || isRefused || !props.isCurrent)) {
    return (
      <Notice
        icon={isRefused ? 'warning' : 'unplugged'}
        kind="error"
        title={isRefused ? (error.title ?? 'Invalid query') : 'The traces could not be loaded'}
      >
        <p>{error.message}</p>
        {filters.q !== undefined && filters.by === undefined && error.sourceRange !== undefined && (
          <QueryError text={filters.q} {...error.sourceRange} />
        )}
        <p>
          {isRefused ? (
            <a href="./">Clear filters</a>
          ) : (
            <button type="button" onClick={props.onRetry}>
              Try again
            </button>
          )}
        </p>
      </Notice>
    )
  }
  if (data === undefined) return <LoadingRows label="Loading traces" rows={12} />
  return <Found filters={filters} live={live} data={data} path={dataPath ?? ''} error={error} />
}

function Found(props: {
  readonly filters: TraceFilters
  readonly live: LiveTraces
  readonly data: TracesResponse
  readonly path: string
  readonly error: ApiError | undefined
}) {
  const { filters, live, data } = props
  const limit = filters.by === undefined ? Number(filters.limit ?? DEFAULT_LIMIT) : MAX_TRACES
  const pages = live.older.pages.value
  const newest = mergeTraces(live.news.value, data.traces)
  const listKey = tracesUrl({ ...live.loadedFilters.value, limit: undefined })
  const list = useHeldList(
    listKey,
    pages.length === 0 ? newest.slice(0, limit) : appendOlder(newest, pages),
    ({ traceId }) => traceId,
  )
  const traces = list.rows
  const range = searchedBy([data, ...pages])
  const more = (
    <LoadMore
      older={live.older}
      path={props.path}
      first={data}
      words="Load older"
      onLoaded={() => keepLength(appendOlder(newest, live.older.pages.peek()).length)}
    />
  )
  return (
    <>
      <div class="results-bar">
        {traces.length > 0 && (
          <p class="count">
            <b>{traces.length.toLocaleString('en')}</b>
            {range.complete ? '' : '+'} {traces.length === 1 ? 'trace' : 'traces'}
            <span class="faint">{filters.by === undefined ? ', newest first' : ', the largest group first'}</span>
            <SearchedRangeText range={range} />
          </p>
        )}
        <NewRowsButton list={list} />
        <RefreshError error={props.error} />
        <LiveButton paused={paused} title="Live updates (p)" />
      </div>
      {[...new Set([data, ...pages].flatMap(({ warnings = [] }) => warnings))].map((cut) => (
        <p key={cut} class="cut">
          <Icon name="info" />
          {cut}
        </p>
      ))}
      <Heatmap
        filters={filters}
        traces={traces}
        isLive={!paused.value}
        onBrush={({ minDuration, maxDuration, ...when }) =>
          push(
            tracesUrl({
              ...withQuery(filters, withFilters(toQueryText(filters), pickDurations({ minDuration, maxDuration }))),
              ...when,
            }),
          )
        }
      />
      {traces.length === 0 ? (
        <EmptyNotice filters={filters} range={range} more={more} />
      ) : filters.by === undefined ? (
        <TraceTable key={listKey} traces={traces} hold={list.hold} more={more} />
      ) : (
        <GroupTable
          key={listKey}
          hold={list.hold}
          field={filters.by}
          traces={traces}
          more={more}
          onChoose={(condition) =>
            push(
              tracesUrl({
                ...withQuery({ ...filters, by: undefined }, withCondition(toQueryText(filters), condition)),
              }),
            )
          }
        />
      )}
    </>
  )
}

/**
 * Stores the list length in the URL, so that coming back loads as many traces, up to the maximum of
 * one response.
 */
function keepLength(shown: number): void {
  const at = route.peek()
  if (at.page !== 'traces') return
  replace(tracesUrl({ ...parseTraceFilters(at.query), limit: String(Math.min(MAX_TRACES, shown)) }))
}

/** Shows "No trace matches" only if the whole range was searched. */
function EmptyNotice(props: {
  readonly filters: TraceFilters
  readonly range: SearchedRange
  readonly more: ComponentChildren
}) {
  const { filters, range } = props
  if (!range.complete) {
    return (
      <Notice icon="search" title={`No trace matches from ${formatSearchedRange(range.searched)}`}>
        <p>{describeIncompleteSearch(range, 'traces')}</p>
        {props.more}
      </Notice>
    )
  }
  if (isFiltered(filters)) {
    return (
      <Notice icon="search" title="No trace matches">
        <p>
          Searched {formatSearchedRange(range.searched)}. Widen the time or the durations, or{' '}
          <a href="./">clear filters</a>. New traces appear here as they arrive.
        </p>
      </Notice>
    )
  }
  return (
    <Notice icon="plug" title="No traces yet">
      <p>Spanlink is ready. Point an application at it, and its traces appear here within a second.</p>
      <ConnectLink />
    </Notice>
  )
}

/** A time-only selection keeps the duration filters. */
function pickDurations({ minDuration, maxDuration }: SimpleFilters): SimpleFilters {
  return minDuration === undefined && maxDuration === undefined ? {} : { minDuration, maxDuration }
}
