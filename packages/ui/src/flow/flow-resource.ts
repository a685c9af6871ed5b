import type { FlowResponse } from '@spanlink/api-schema'
import { joinFlowPages } from '@spanlink/api-schema/join-flow-pages'
import { signal, type ReadonlySignal } from '@preact/signals'
import { toMillis } from '../lib/format/time.ts'
import { ApiError, getJson } from '../lib/api.ts'
import type { FlowPageState } from './flow-url.ts'
import { poll } from '../lib/poll.ts'
import { withParams } from '../lib/query-params.ts'

/**
 * Exporters batch for 5 s by default and consumers may lag. A flow that ended over a minute ago is
 * treated as complete.
 */
const ARRIVAL_WINDOW_MS = 60_000
const RELOAD_INTERVAL_MS = 3000
/**
 * A flow with more lanes, or with more than one page loaded, is not reloaded while it is displayed.
 */
const MAX_RELOADED_LANES = 200

interface FlowState {
  readonly data: FlowResponse | undefined
  readonly error: ApiError | undefined
  readonly loadingMore: boolean
}

export interface FlowResource {
  readonly state: ReadonlySignal<FlowState>
  /** Polls until the flow is complete; returns a function that stops polling. */
  readonly start: () => () => void
  /** Loads the next page and merges it into the loaded flow. */
  readonly loadMore: () => Promise<void>
}

export function createFlowResource({
  traceId,
  end,
  joined,
}: Pick<FlowPageState, 'traceId' | 'end' | 'joined'>): FlowResource {
  const state = signal<FlowState>({ data: undefined, error: undefined, loadingMore: false })
  let leaving = new AbortController()
  let pages = 0
  const fetchPage = async (cursor?: string): Promise<FlowResponse | undefined> => {
    const params = { spanId: end, includeJoined: joined && 'true', cursor }
    try {
      return await getJson<FlowResponse>(withParams(`api/flows/${encodeURIComponent(traceId)}`, params), leaving.signal)
    } catch (cause) {
      if (!leaving.signal.aborted) {
        const error = cause instanceof ApiError ? cause : new ApiError(String(cause), 0, cause)
        state.value = { ...state.peek(), error }
      }
      return undefined
    }
  }
  return {
    state,
    start() {
      leaving = new AbortController()
      const stop = poll(async () => {
        const { data, error } = state.peek()
        if (data !== undefined && (pages > 1 || !mayStillGrow(data))) return
        if (error?.status === 400) return
        const response = await fetchPage()
        if (response === undefined || pages > 1) return
        pages = 1
        // An unchanged response does not update the state, which avoids a redraw.
        const isNews = JSON.stringify(response) !== JSON.stringify(state.peek().data)
        if (isNews || state.peek().error !== undefined)
          state.value = { data: response, error: undefined, loadingMore: false }
      }, RELOAD_INTERVAL_MS)
      return () => {
        stop()
        leaving.abort()
      }
    },
    async loadMore() {
      const before = state.peek().data
      if (before?.nextCursor === undefined || state.peek().loadingMore) return
      pages = 2
      state.value = { ...state.peek(), loadingMore: true }
      const next = await fetchPage(before.nextCursor)
      state.value =
        next === undefined
          ? { ...state.peek(), loadingMore: false }
          : { data: joinFlowPages(before, next), error: undefined, loadingMore: false }
    },
  }
}

function mayStillGrow(flow: FlowResponse): boolean {
  if (flow.lanes.length > MAX_RELOADED_LANES) return false
  const newest = flow.lanes.reduce((max, lane) => Math.max(max, toMillis(lane.endTimeUnixNano)), 0)
  return Math.abs(Date.now() - newest) < ARRIVAL_WINDOW_MS
}
