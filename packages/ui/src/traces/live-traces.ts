import type { FoundTrace, TracesResponse } from '@spanlink/api-schema'
import { batch, signal, type ReadonlySignal } from '@preact/signals'
import { createOlderPages, type OlderPages } from '../lib/older-pages.ts'
import { createResource, type Resource } from '../lib/resource.ts'
import { conditionParams, DEFAULT_LIMIT, toTimeRange, tracesPath, type TraceFilters } from './trace-filters.ts'

export interface LiveTraces {
  readonly state: Resource<TracesResponse>['state']
  /** What the response is to; another question may be under way, or have failed. */
  readonly loadedFilters: ReadonlySignal<TraceFilters | undefined>
  /** What came or changed since the response, newest first. */
  readonly news: ReadonlySignal<readonly FoundTrace[]>
  /** The pages after the response. While there are some the response stays, and only news come. */
  readonly older: OlderPages<TracesResponse>
  readonly ask: (filters: TraceFilters) => Promise<void>
  /**
   * Asks, then follows; returns what stops it. Rests while nobody looks: a browser has few
   * connections to one server.
   */
  readonly follow: (filters: TraceFilters) => () => void
  readonly stop: () => void
}

export function createLiveTraces(): LiveTraces {
  const response = createResource<TracesResponse>()
  const news = signal<readonly FoundTrace[]>([])
  const loadedFilters = signal<TraceFilters | undefined>(undefined)
  const older = createOlderPages<TracesResponse>()
  const ask = async (filters: TraceFilters): Promise<void> => {
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
    ask,
    follow(filters) {
      let source: EventSource | undefined
      const leave = (): void => {
        source?.close()
        source = undefined
      }
      const listen = async (): Promise<void> => {
        leave()
        if (document.hidden) return
        await ask(filters)
        if (document.hidden || stopped) return
        const status = response.state.peek().error?.status
        // A query that can't be run can't be followed either; a server that is busy or away can be
        // asked again.
        if (status === 400 || status === 422) return
        if (status !== undefined) return listenAgain()
        source = new EventSource(`/api/traces/tail?${conditionParams(filters)}`)
        source.addEventListener('traces', (event) => {
          const { start } = toTimeRange(filters, Date.now())
          const some = (JSON.parse(String(event.data)) as readonly FoundTrace[]).filter(
            (trace) => start === undefined || BigInt(trace.startTimeUnixNano) >= BigInt(start),
          )
          news.value = mergeTraces(some, news.peek()).slice(0, Number(filters.limit ?? DEFAULT_LIMIT))
        })
        // The source comes back by itself; what was missed meanwhile is asked for, which also tells
        // why it is away.
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
 * A list with what came since: known traces in their place, new ones before them by their start.
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
 * Pages that follow a list; a trace that got a newer span since is in both, and counts where it is
 * newer.
 */
export function appendOlder(first: readonly FoundTrace[], pages: readonly TracesResponse[]): readonly FoundTrace[] {
  if (pages.length === 0) return first
  const all = new Map(first.map((trace) => [trace.traceId, trace]))
  for (const { traces } of pages) for (const trace of traces) if (!all.has(trace.traceId)) all.set(trace.traceId, trace)
  return [...all.values()]
}
