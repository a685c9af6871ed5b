import type { SearchedRange, TracesResponse } from '@spanlink/api-schema'
import { signal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks'
import { withCondition, withFilters, type SimpleFilters } from './query/filter-query.ts'
import type { ApiError } from '../lib/api.ts'
import { incompleteText, rangeText, searchedBy } from '../lib/searched-range.ts'
import { bindKeys } from '../app/keyboard.ts'
import { createLiveTraces, merged, withOlder, type LiveTraces } from './live-traces.ts'
import { questionOf } from '../lib/older-pages.ts'
import { poll } from '../lib/poll.ts'
import { useHeldList } from '../components/list/use-held-list.ts'
import {
  DEFAULT_LIMIT,
  filtersOf,
  isFiltered,
  MOST_TRACES,
  queryTextOf,
  withQuery,
  type TraceFilters,
} from './trace-filters.ts'
import { tracesUrl } from '../app/route.ts'
import { push, replace, route } from '../lib/url.ts'
import { focusRow } from '../components/list/row-navigation.ts'
import { Icon } from '../components/buttons/icon.tsx'
import { LiveButton } from '../components/buttons/live-button.tsx'
import { LoadingRows } from '../components/list/loading-rows.tsx'
import { NewRows } from '../components/list/new-rows-button.tsx'
import { NotRefreshing } from '../components/list/refresh-error.tsx'
import { Notice } from '../components/notice.tsx'
import { Searched } from '../components/list/searched-range.tsx'
import { ShowMore } from '../components/list/load-more.tsx'
import { FilterBar } from './filter-bar.tsx'
import { GroupTable } from './group-table.tsx'
import { Heatmap } from './heatmap/heatmap.tsx'
import { QUERY_ID, QueryInput } from './query/query-input.tsx'
import { TRACE_LINKS, TraceTable } from './trace-table.tsx'
import { WrongQuery } from './query/query-error.tsx'

const REFRESH_MILLIS = 5000

/** Outlives the page: who pauses, opens a trace and comes back finds the list as it was left. */
const paused = signal(false)

export function TracesPage({ query }: { readonly query: URLSearchParams }) {
  const question = questionOf(query)
  const filters = useMemo(() => filtersOf(query), [question])
  const live = useMemo(createLiveTraces, [])
  const asked = useRef<TraceFilters | undefined>(undefined)
  useEffect(() => {
    const isAsked = asked.current === filters
    asked.current = filters
    if (paused.value) {
      // Pausing changes nothing on screen; another filter, or coming back to a paused list, does.
      if (!isAsked) void live.ask(filters)
      return undefined
    }
    // Groups are counted over all that is listed, and what ended before now brings nothing new.
    if (filters.by !== undefined || (filters.end !== undefined && filters.last === undefined))
      return poll(() => live.ask(filters), REFRESH_MILLIS)
    return live.follow(filters)
  }, [live, filters, paused.value])
  useEffect(() => () => live.stop(), [live])
  useEffect(() => {
    document.title = filters.service === undefined ? 'Traces · Spanlink' : `${filters.service.slice(0, 60)} · Spanlink`
  }, [filters.service])
  useLayoutEffect(
    () =>
      bindKeys({
        title: 'Traces',
        bindings: [
          { keys: ['j', 'ArrowDown'], does: 'Next trace', run: () => focusRow(TRACE_LINKS, 1) },
          { keys: ['k', 'ArrowUp'], does: 'Previous trace', run: () => focusRow(TRACE_LINKS, -1) },
          { keys: ['Enter'], does: 'Open the trace', run: () => focusRow(TRACE_LINKS, 1) },
          { keys: ['/'], does: 'Go to the query', run: focusQuery },
          { keys: ['Escape'], does: 'Leave the query or filters', run: leaveFilters, whileTyping: true },
          { keys: ['p'], does: 'Pause or resume refreshing', run: togglePaused },
        ],
      }),
    [],
  )
  return (
    <div class="traces-page">
      <h1 class="visually-hidden">Traces</h1>
      <QueryInput text={queryTextOf(filters)} onRun={(text) => push(tracesUrl({ ...withQuery(filters, text) }))} />
      <FilterBar filters={filters} />
      <Results
        filters={filters}
        live={live}
        isAnswer={live.answered.value === filters}
        onRetry={() => void live.ask(filters)}
      />
    </div>
  )
}

function Results(props: {
  readonly filters: TraceFilters
  readonly live: LiveTraces
  /**
   * Whether the data are an answer to these filters. While the answer is on its way those of the
   * last ones stay; where it failed they would mislead.
   */
  readonly isAnswer: boolean
  readonly onRetry: () => void
}) {
  const { filters, live } = props
  const { data, dataPath, error } = live.state.value
  const isRefused = error?.status === 400 || error?.status === 422
  if (error !== undefined && (data === undefined || isRefused || !props.isAnswer)) {
    return (
      <Notice
        icon={isRefused ? 'warning' : 'unplugged'}
        kind="error"
        title={isRefused ? 'Invalid query' : 'The traces could not be loaded'}
      >
        <p>{error.message}</p>
        {filters.q !== undefined && filters.by === undefined && error.place !== undefined && (
          <WrongQuery text={filters.q} {...error.place} />
        )}
        <p>
          {isRefused ? (
            <a href="/">Clear the filters</a>
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
  const limit = filters.by === undefined ? Number(filters.limit ?? DEFAULT_LIMIT) : MOST_TRACES
  const pages = live.older.pages.value
  const newest = merged(live.news.value, data.traces)
  const listKey = tracesUrl({ ...live.answered.value, limit: undefined })
  const list = useHeldList(
    listKey,
    pages.length === 0 ? newest.slice(0, limit) : withOlder(newest, pages),
    ({ traceId }) => traceId,
  )
  const traces = list.rows
  const range = searchedBy([data, ...pages])
  const more = (
    <ShowMore
      older={live.older}
      path={props.path}
      first={data}
      words="Load older"
      onLoaded={() => keepLength(withOlder(newest, live.older.pages.peek()).length)}
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
            <Searched range={range} />
          </p>
        )}
        <NewRows list={list} />
        <NotRefreshing error={props.error} />
        <LiveButton paused={paused} title="New traces appear as they come (p)" />
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
              ...withQuery(filters, withFilters(queryTextOf(filters), durationsOf({ minDuration, maxDuration }))),
              ...when,
            }),
          )
        }
      />
      {traces.length === 0 ? (
        <Nothing filters={filters} range={range} more={more} />
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
                ...withQuery({ ...filters, by: undefined }, withCondition(queryTextOf(filters), condition)),
              }),
            )
          }
        />
      )}
    </>
  )
}

/**
 * Coming back to this address finds as many traces as are here, as far as one answer holds them.
 */
function keepLength(shown: number): void {
  const at = route.peek()
  if (at.page !== 'traces') return
  replace(tracesUrl({ ...filtersOf(at.query), limit: String(Math.min(MOST_TRACES, shown)) }))
}

/** "No trace matches" is said of a range that was searched whole, and of no other. */
function Nothing(props: {
  readonly filters: TraceFilters
  readonly range: SearchedRange
  readonly more: ComponentChildren
}) {
  const { filters, range } = props
  if (!range.complete) {
    return (
      <Notice icon="search" title={`No trace matches from ${rangeText(range.searched)}`}>
        <p>{incompleteText(range, 'traces')}</p>
        {props.more}
      </Notice>
    )
  }
  if (isFiltered(filters)) {
    return (
      <Notice icon="search" title="No trace matches">
        <p>
          Searched {rangeText(range.searched)}. Widen the time or the durations, or <a href="/">clear the filters</a>.
          New traces appear here as they arrive.
        </p>
      </Notice>
    )
  }
  return (
    <Notice icon="plug" title="No traces yet">
      <p>Spanlink is ready. Point an application at it, and its traces appear here within a second.</p>
      <p>
        <a class="button primary" href="/connect">
          Connect an application
        </a>
      </p>
    </Notice>
  )
}

/** A stroke over times alone leaves the durations as they are. */
function durationsOf({ minDuration, maxDuration }: SimpleFilters): SimpleFilters {
  return minDuration === undefined && maxDuration === undefined ? {} : { minDuration, maxDuration }
}

function togglePaused(): void {
  paused.value = !paused.value
}

function focusQuery(): void {
  document.getElementById(QUERY_ID)?.focus()
}

function leaveFilters(): void {
  if (document.activeElement instanceof HTMLElement) document.activeElement.blur()
}
