import type { FoundTrace, TracesResponse } from '@spanlink/api-schema'
import { batch, signal, type ReadonlySignal } from '@preact/signals'
import { createOlderPages, type OlderPages } from '../lib/older-pages.ts'
import { createResource, type Resource } from '../lib/resource.ts'
import { conditionParams, DEFAULT_LIMIT, toTimeRange, tracesPath, type TraceFilters } from './trace-filters.ts'

export interface LiveTraces {
  readonly state: Resource<TracesResponse>['state']
  /** The filters of the loaded response; a newer request may be pending or have failed. */
  readonly loadedFilters: ReadonlySignal<TraceFilters | undefined>
  /** Traces that are new or changed since the response, newest first. */
  readonly news: ReadonlySignal<readonly FoundTrace[]>
  /**
   * The pages after the response. While any are loaded, the response stays and only `news` changes.
   */
  readonly older: OlderPages<TracesResponse>
  readonly search: (filters: TraceFilters) => Promise<void>
  /**
   * Requests the list, then streams updates; returns a function that stops it. Disconnects while
   * the tab is hidden, because browsers limit connections per server.
   */
  readonly follow: (filters: TraceFilters) => () => void
  readonly stop: () => void
}

export function createLiveTraces(): LiveTraces {
  const response = createResource<TracesResponse>()
  const news = signal<readonly FoundTrace[]>([])
  const loadedFilters = signal<TraceFilters | undefined>(undefined)
  const older = createOlderPages<TracesResponse>()
  const search = async (filters: TraceFilters): Promise<void> => {
    const isReading = older.pages.peek().length > 0 && response.state.peek().error === undefined
    if (isReading && loadedFilters.peek() === filters) return
    const path = tracesPath(filters, Date.now())
    await response.load(path)
    batch(() => {
      if (response.state.peek().dataPath === path) {
        loadedFilters.value = filters
        older.clear()
      }
      news.value = []
    })
  }
  return {
    state: response.state,
    loadedFilters,
    news,
    older,
    search: search,
    follow(filters) {
      let source: EventSource | undefined
      const leave = (): void => {
        source?.close()
        source = undefined
      }
      const listen = async (): Promise<void> => {
        leave()
        if (document.hidden) return
        await search(filters)
        if (document.hidden || stopped) return
        const status = response.state.peek().error?.status
        // An invalid query cannot be streamed either; other errors are retried.
        if (status === 400 || status === 422) return
        if (status !== undefined) return listenAgain()
        source = new EventSource(`api/traces/tail?${conditionParams(filters)}`)
        source.addEventListener('traces', (event) => {
          const { start } = toTimeRange(filters, Date.now())
          const some = (JSON.parse(String(event.data)) as readonly FoundTrace[]).filter(
            (trace) => start === undefined || BigInt(trace.startTimeUnixNano) >= BigInt(start),
          )
          news.value = mergeTraces(some, news.peek()).slice(0, Number(filters.limit ?? DEFAULT_LIMIT))
        })
        // Instead of EventSource's own reconnect: requesting the list again loads missed traces and
        // shows the error, if any.
        source.addEventListener('error', () => {
          leave()
          listenAgain()
        })
      }
      const listenAgain = (): void => {
        clearTimeout(again)
        again = setTimeout(() => void listen(), RETRY_DELAY_MS)
      }
      let stopped = false
      let again: ReturnType<typeof setTimeout> | undefined
      const onVisible = (): void => void listen()
      document.addEventListener('visibilitychange', onVisible)
      void listen()
      return () => {
        stopped = true
        clearTimeout(again)
        document.removeEventListener('visibilitychange', onVisible)
        leave()
      }
    },
    stop() {
      response.stop()
      older.clear()
    },
  }
}

const RETRY_DELAY_MS = 2000

/**
 * Merges updates into a list: known traces are replaced in place, new ones are prepended by start.
 */
export function mergeTraces(news: readonly FoundTrace[], known: readonly FoundTrace[]): readonly FoundTrace[] {
  if (news.length === 0) return known
  const changed = new Map(news.map((trace) => [trace.traceId, trace]))
  const kept = known.map((trace) => changed.get(trace.traceId) ?? trace)
  const old = new Set(known.map((trace) => trace.traceId))
  const fresh = news
    .filter((trace) => !old.has(trace.traceId))
    .toSorted((a, b) => (BigInt(a.startTimeUnixNano) < BigInt(b.startTimeUnixNano) ? 1 : -1))
  return [...fresh, ...kept]
}

/**
 * Appends older pages. A trace that got a newer span may be in both; its newer position is kept.
 */
export function appendOlder(first: readonly FoundTrace[], pages: readonly TracesResponse[]): readonly FoundTrace[] {
  if (pages.length === 0) return first
  const all = new Map(first.map((trace) => [trace.traceId, trace]))
  for (const { traces } of pages) for (const trace of traces) if (!all.has(trace.traceId)) all.set(trace.traceId, trace)
  return [...all.values()]
}
