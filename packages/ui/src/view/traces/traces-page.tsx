import type { FoundTrace } from '@spanlink/contract'
import { signal } from '@preact/signals'
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks'
import { withCondition, withFilters, type SimpleFilters } from '../../model/filter-query.ts'
import { bindKeys } from '../../state/keyboard.ts'
import { createLiveTraces, merged, type LiveTraces } from '../../state/live-traces.ts'
import { poll } from '../../state/poll.ts'
import {
  DEFAULT_LIMIT,
  filtersOf,
  isFiltered,
  MOST_TRACES,
  queryTextOf,
  withQuery,
  type TraceFilters,
} from '../../state/trace-filters.ts'
import { tracesUrl } from '../../state/route.ts'
import { replace } from '../../state/url.ts'
import { Icon } from '../parts/icon.tsx'
import { Notice } from '../parts/notice.tsx'
import { FilterBar } from './filter-bar.tsx'
import { GroupTable } from './group-table.tsx'
import { Heatmap } from './heatmap.tsx'
import { QUERY_ID, QueryInput } from './query-input.tsx'
import { focusTrace, TraceTable } from './trace-table.tsx'

const REFRESH_MILLIS = 5000

/** Outlives the page: who pauses, opens a trace and comes back finds the list as it was left. */
const paused = signal(false)

export function TracesPage({ query }: { readonly query: URLSearchParams }) {
  const search = query.toString()
  const filters = useMemo(() => filtersOf(query), [search])
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
          { keys: ['j', 'ArrowDown'], does: 'Next trace', run: () => focusTrace(1) },
          { keys: ['k', 'ArrowUp'], does: 'Previous trace', run: () => focusTrace(-1) },
          { keys: ['Enter'], does: 'Open the trace', run: () => focusTrace(1) },
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
      <QueryInput text={queryTextOf(filters)} onRun={(text) => replace(tracesUrl({ ...withQuery(filters, text) }))} />
      <FilterBar filters={filters} />
      <Results
        filters={filters}
        state={live.state.value}
        isAnswer={live.answered.value === filters}
        news={live.news.value}
        onRetry={() => void live.ask(filters)}
      />
    </div>
  )
}

function Results(props: {
  readonly filters: TraceFilters
  readonly state: LiveTraces['state']['value']
  /** Whether the data are an answer to these filters. While the answer is on its way those of the last ones stay; where it failed they would mislead. */
  readonly isAnswer: boolean
  readonly news: readonly FoundTrace[]
  readonly onRetry: () => void
}) {
  const { filters, state } = props
  const { data, error } = state
  const isRefused = error?.status === 400 || error?.status === 422
  if (error !== undefined && (data === undefined || isRefused || !props.isAnswer)) {
    return (
      <Notice
        icon={isRefused ? 'warning' : 'unplugged'}
        kind="error"
        title={isRefused ? 'This search cannot be run' : 'The traces could not be loaded'}
      >
        <p>{error.message}</p>
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
  if (data === undefined) return <LoadingRows />
  const limit = filters.by === undefined ? Number(filters.limit ?? DEFAULT_LIMIT) : MOST_TRACES
  const traces = merged(props.news, data.traces).slice(0, limit)
  const hasMore = data.nextCursor !== undefined || data.more === true
  return (
    <>
      <div class="results-bar">
        {traces.length > 0 && (
          <p class="count">
            <b>{traces.length.toLocaleString('en')}</b>
            {hasMore ? '+' : ''} {traces.length === 1 ? 'trace' : 'traces'}
            <span class="faint">, newest first</span>
          </p>
        )}
        {error !== undefined && (
          <p class="stale" role="status">
            <Icon name="warning" /> Not refreshing: {error.message}
          </p>
        )}
        <button
          type="button"
          class="live"
          aria-pressed={!paused.value}
          onClick={togglePaused}
          title="New traces appear as they come (p)"
        >
          <i class={`lamp ${paused.value ? '' : 'on'}`} />
          {paused.value ? 'Paused' : 'Live'}
          <Icon name={paused.value ? 'play' : 'pause'} />
        </button>
      </div>
      {data.cuts?.map((cut) => (
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
          replace(
            tracesUrl({
              ...withQuery(filters, withFilters(queryTextOf(filters), durationsOf({ minDuration, maxDuration }))),
              ...when,
            }),
          )
        }
      />
      {traces.length === 0 ? (
        <Nothing filters={filters} />
      ) : filters.by === undefined ? (
        <TraceTable traces={traces} />
      ) : (
        <GroupTable
          field={filters.by}
          traces={traces}
          onChoose={(condition) =>
            replace(
              tracesUrl({
                ...withQuery({ ...filters, by: undefined }, withCondition(queryTextOf(filters), condition)),
              }),
            )
          }
        />
      )}
      {hasMore && filters.by === undefined && <More filters={filters} shown={traces.length} />}
    </>
  )
}

function More({ filters, shown }: { readonly filters: TraceFilters; readonly shown: number }) {
  if (shown >= MOST_TRACES) {
    return <p class="more faint">These are the newest {MOST_TRACES}. Narrow the search to reach older ones.</p>
  }
  const limit = String(Math.min(MOST_TRACES, Number(filters.limit ?? DEFAULT_LIMIT) * 2))
  return (
    <p class="more">
      <button type="button" onClick={() => replace(tracesUrl({ ...filters, limit }))}>
        Show more
      </button>
    </p>
  )
}

function Nothing({ filters }: { readonly filters: TraceFilters }) {
  if (isFiltered(filters)) {
    return (
      <Notice icon="search" title="No trace matches">
        <p>
          Widen the time or the durations, or <a href="/">clear the filters</a>. New traces appear here by themselves.
        </p>
      </Notice>
    )
  }
  return (
    <Notice icon="plug" title="No traces yet">
      <p>Spanlink is listening. Point an application at it, and its traces appear here within a second.</p>
      <p>
        <a class="button primary" href="/connect">
          Connect an application
        </a>
      </p>
    </Notice>
  )
}

/** As tall as the list that follows, so nothing jumps when it comes. */
function LoadingRows() {
  return (
    <div class="loading-rows" role="status" aria-label="Loading traces">
      {Array.from({ length: 12 }, (_, row) => (
        <i key={row} />
      ))}
    </div>
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
