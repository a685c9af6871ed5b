import type { FindSpansResponse, LinksResponse, TraceSkeleton } from '@spanlink/api-schema'
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks'
import { toMillis } from '../lib/format/time.ts'
import { columnBytes } from '../components/tree/column-bytes.ts'
import { describeMissingSpans } from './model/missing-messages.ts'
import { getJson } from '../lib/api.ts'
import { describeMissingParts } from '../lib/searched-range.ts'
import { linksPath } from './follow-link.ts'
import { groupTargetsBySpan } from './link-targets.ts'
import { poll } from '../lib/poll.ts'
import { createResource } from '../lib/resource.ts'
import { keepTraceFoldsInUrl } from './trace-folds.ts'
import { createTraceView, matchBeside, reveal, type TraceView } from './trace-view.ts'
import { traceUrl } from '../app/route.ts'
import { replace, usePageTitle } from '../lib/url.ts'
import { announce } from '../app/announcer.tsx'
import { SpanPanel } from './span-panel/span-panel.tsx'
import { TraceHeader } from './trace-header.tsx'
import { bindTraceKeys, goToPosition } from './trace-keys.ts'
import { TraceToolbar } from './trace-toolbar.tsx'
import { Breadcrumbs } from './breadcrumbs.tsx'
import { Minimap } from './waterfall/minimap.tsx'
import { PanelSplit } from '../components/details/panel-split.tsx'
import { NotFound } from './not-found.tsx'
import { Waterfall } from './waterfall/waterfall.tsx'
import { Note } from '../components/notice.tsx'

const RELOAD_INTERVAL_MS = 2000
/**
 * Exporters batch spans (5 s by default in the SDKs) and consumers may lag: a trace is polled for
 * spans until it is this old.
 */
const ARRIVAL_WINDOW_MS = 60_000
/** Larger traces are not polled: reloading one every two seconds is too expensive. */
const MAX_RELOADED_SPANS = 5000

export function TracePage({ traceId, spanId }: { readonly traceId: string; readonly spanId: string | undefined }) {
  const trace = useMemo(() => createResource<TraceSkeleton>(), [])
  const { data, error } = trace.state.value
  const isHere = data !== undefined && data.count > 0
  const view = useMemo(() => (isHere ? createTraceView(data) : undefined), [isHere])
  useEffect(() => {
    let isRequested = false
    const stop = poll(async () => {
      const known = trace.state.peek().data
      if (isRequested && known !== undefined && !mayStillGrow(known)) return
      isRequested = true
      await trace.load(`api/traces/${encodeURIComponent(traceId)}/skeleton`)
    }, RELOAD_INTERVAL_MS)
    return () => {
      stop()
      trace.stop()
    }
  }, [trace, traceId])
  useLayoutEffect(() => (view === undefined ? undefined : keepTraceFoldsInUrl(view)), [view])
  useLateSpans(view, data)
  useSpanInUrl(view, spanId)
  useLinkEnds(view)
  useFoundSpans(view)
  useLayoutEffect(() => (view === undefined ? undefined : bindTraceKeys(view)), [view])
  const root = view?.model.value.spans[0]
  usePageTitle(root === undefined ? 'Trace' : `${root.service.slice(0, 40)} ${root.name.slice(0, 60)}`)

  if (view === undefined) {
    return (
      <div class="page">
        <Breadcrumbs />
        <NotFound what="trace" traceId={traceId} error={error} isEmpty={data !== undefined} isRetrying>
          Not yet received, not sampled, expired, or sent to another backend.
        </NotFound>
      </div>
    )
  }
  const selected = spanId === undefined ? undefined : view.model.value.positionById.get(spanId)
  return (
    <div class="page">
      <Breadcrumbs />
      <TraceHeader model={view.model.value} />
      <Notes view={view} spanId={spanId} stale={error?.message} />
      <PanelSplit
        main={
          <section class="trace-main" aria-label="Waterfall">
            <TraceToolbar view={view} />
            <Minimap view={view} />
            <Waterfall view={view} selected={spanId} />
          </section>
        }
        panel={selected === undefined ? undefined : <SpanPanel key={spanId} view={view} position={selected} />}
      />
    </div>
  )
}

function mayStillGrow({ count, start, duration, startTimeUnixNano }: TraceSkeleton): boolean {
  if (count > MAX_RELOADED_SPANS) return false
  const lengths = new Float64Array(columnBytes(duration))
  const last = new Float64Array(columnBytes(start)).reduce((max, at, i) => Math.max(max, at + (lengths[i] ?? 0)), 0)
  const newest = toMillis(startTimeUnixNano) + last / 1e6
  return Math.abs(Date.now() - newest) < ARRIVAL_WINDOW_MS
}

function useLateSpans(view: TraceView | undefined, data: TraceSkeleton | undefined): void {
  const shown = useRef(data)
  useEffect(() => {
    const before = shown.current
    shown.current = data
    if (view === undefined || data === undefined || before === undefined || before === data) return
    view.revision.value += 1
    const late = data.count - before.count
    if (late === 0 && linkCount(before) === linkCount(data)) return
    view.update(data)
    if (late > 0) announce(`${late === 1 ? '1 more span' : `${late} more spans`} of this trace arrived.`)
  }, [view, data])
}

function linkCount({ linksIn, linksOut }: TraceSkeleton): number {
  const sum = (pairs: readonly number[]): number =>
    pairs.reduce((total, one, at) => total + (at % 2 === 1 ? one : 0), 0)
  return sum(linksIn) + sum(linksOut)
}

/**
 * Loads the first hundred links of the whole trace in each direction, to name the services on row
 * badges. Span details load all links of one span.
 */
function useLinkEnds(view: TraceView | undefined): void {
  const model = view?.model.value
  const revision = view?.revision.value
  useEffect(() => {
    if (view === undefined || model === undefined) return undefined
    const leaving = new AbortController()
    const load = (direction: 'in' | 'out', counts: Uint32Array): void => {
      if (counts.every((count) => count === 0)) return
      getJson<LinksResponse>(linksPath(model.traceId, direction), leaving.signal).then(
        (response) =>
          (view[direction === 'in' ? 'incoming' : 'outgoing'].value = groupTargetsBySpan(response, direction)),
        // Badges then show counts without names; the span details show the error.
        () => undefined,
      )
    }
    load('in', model.linksIn)
    load('out', model.linksOut)
    return () => leaving.abort()
  }, [view, model, revision])
}

const TYPING_DELAY_MS = 200

/** The server searches attributes and events. */
function useFoundSpans(view: TraceView | undefined): void {
  const text = view?.query.value.trim() ?? ''
  const traceId = view?.model.value.traceId
  useEffect(() => {
    if (view === undefined || traceId === undefined) return undefined
    view.found.value = []
    if (text === '') return undefined
    const leaving = new AbortController()
    const timer = setTimeout(() => {
      const path = `api/traces/${traceId}/spans?${new URLSearchParams({ text: text.slice(0, 1024) })}`
      void getJson<FindSpansResponse>(path, leaving.signal)
        .catch(() => undefined)
        .then((response) => (leaving.signal.aborted ? undefined : takeFound(view, response?.spanIds ?? [])))
    }, TYPING_DELAY_MS)
    return () => {
      clearTimeout(timer)
      leaving.abort()
    }
  }, [view, traceId, text])
}

function takeFound(view: TraceView, spanIds: readonly string[]): void {
  view.found.value = spanIds
  const position = view.wantsMatch.peek() ? matchBeside(view, 1) : undefined
  view.wantsMatch.value = false
  if (position !== undefined) goToPosition(view, position)
}

function useSpanInUrl(view: TraceView | undefined, spanId: string | undefined): void {
  useEffect(() => {
    if (view === undefined || spanId === undefined) return
    const position = view.model.peek().positionById.get(spanId)
    if (position === undefined) return
    reveal(view, position)
    view.cursor.value = spanId
  }, [view, spanId, view?.model.value])
}

function Notes(props: {
  readonly view: TraceView
  readonly spanId: string | undefined
  readonly stale: string | undefined
}) {
  const model = props.view.model.value
  const messages = useMemo(() => describeMissingSpans(model), [model])
  const isElsewhere = props.spanId !== undefined && !model.positionById.has(props.spanId)
  if (messages.length === 0 && !isElsewhere && !model.missingParts && props.stale === undefined) return null
  return (
    <ul class="notes" aria-label="Notes">
      {model.missingParts && <Note icon="warning">{describeMissingParts('spans')}</Note>}
      {isElsewhere && (
        <Note icon="warning">
          Span <code>{props.spanId?.slice(0, 32)}</code> not found: not yet received, not sampled, or expired.{' '}
          <button type="button" class="plain" onClick={() => replace(traceUrl(model.traceId))}>
            Dismiss
          </button>
        </Note>
      )}
      {messages.map((message) => (
        <Note key={message} icon="info">
          {message}
        </Note>
      ))}
      {props.stale !== undefined && <Note icon="warning">Showing cached data. {props.stale}</Note>}
    </ul>
  )
}
