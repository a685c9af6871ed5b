import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks'
import './details/edge-details.css'
import './flow.css'
import './header/flow-header.css'
import './header/path-shares.css'
import './header/flow-toolbar.css'
import './header/flow-origins.css'
import './timeline/flow-timeline.css'
import './details/hop-dialog.css'
import './compare/compare-menu.css'
import './compare/flow-compare.css'
import { visibleText } from '../lib/format/visible-text.ts'
import { laneOfSpan, type FlowModel } from './model/flow-model.ts'
import { flowPlaceOf, type FlowPlace } from './flow-url.ts'
import { keepFoldsInUrl } from './flow-folds.ts'
import { createFlowResource, type FlowResource } from './flow-resource.ts'
import { createFlowView, openLane, revealLane, rowIdOfLane, type FlowView } from './flow-view.ts'
import { LoadingRows } from '../components/list/loading-rows.tsx'
import { Notice } from '../components/notice.tsx'
import { PanelSplit } from '../components/details/panel-split.tsx'
import { BranchDialog } from './details/hop-dialog.tsx'
import { FlowCompare } from './compare/flow-compare.tsx'
import { FlowGraph } from './graph/flow-graph.tsx'
import { FlowHeader } from './header/flow-header.tsx'
import { bindFlowKeys } from './flow-keys.ts'
import { FlowNotes } from './header/flow-notes.tsx'
import { FlowOrigins } from './header/flow-origins.tsx'
import { FlowPanel, hasDetails } from './details/flow-panel.tsx'
import { FlowTimeline } from './timeline/flow-timeline.tsx'
import { FlowToolbar } from './header/flow-toolbar.tsx'

export function FlowPage({ traceId, search }: { readonly traceId: string; readonly search: string }) {
  const place = useMemo(() => flowPlaceOf(traceId, search), [traceId, search])
  if (place.against !== undefined) return <FlowCompare place={place} against={place.against} />
  return <OneFlow traceId={traceId} place={place} />
}

function OneFlow({ traceId, place }: { readonly traceId: string; readonly place: FlowPlace }) {
  const resource = useMemo(() => createFlowResource(place), [traceId, place.end, place.joined])
  useEffect(() => resource.start(), [resource])
  const { data } = resource.state.value
  // Another end of the path is another question, but the same flow: what is folded and open stays.
  const shown = useRef<FlowView | undefined>(undefined)
  if (data !== undefined && data.lanes.length > 0) shown.current ??= createFlowView(data)
  const view = shown.current
  useEffect(() => () => view?.stop(), [view])
  useEffect(() => {
    if (data !== undefined) view?.update(data)
  }, [view, data])
  useLayoutEffect(() => (view === undefined ? undefined : keepFoldsInUrl(view, traceId)), [view, traceId])
  usePlace(view, place)
  useLayoutEffect(() => (view === undefined ? undefined : bindFlowKeys(view, traceId)), [view, traceId])
  useEffect(() => {
    const name = data?.title?.name
    document.title = name === undefined ? 'Flow · Spanlink' : `Flow of ${visibleText(name, 60)} · Spanlink`
  }, [data?.title?.name])

  if (view === undefined) return <NotHere traceId={traceId} resource={resource} empty={data !== undefined} />
  return (
    <div class="flow-page">
      <FlowHeader view={view} traceId={traceId} place={place} />
      <FlowOrigins answer={view.model.value.answer} place={place} />
      <FlowNotes view={view} place={place} resource={resource} />
      <PanelSplit
        main={
          <section class="trace-main" aria-label={place.view === 'graph' ? 'Flow as a graph' : 'Flow over time'}>
            <FlowToolbar view={view} place={place} />
            {place.view === 'graph' ? (
              <FlowGraph view={view} place={place} />
            ) : (
              <FlowTimeline view={view} place={place} />
            )}
          </section>
        }
        panel={hasDetails(view, place) ? <FlowPanel view={view} place={place} /> : undefined}
      />
      <BranchDialog view={view} place={place} />
    </div>
  )
}

/**
 * What the URL names is brought to sight: its lane gets a row, and is opened where the span is one
 * that only the full waterfall shows.
 */
function usePlace(view: FlowView | undefined, place: FlowPlace): void {
  const { lane, span } = place
  useEffect(() => {
    if (view === undefined) return
    const model = view.model.peek()
    const found =
      lane !== undefined
        ? (model.laneOf.get(lane) ?? -1)
        : span === undefined
          ? openedLane(model, place.traceId)
          : laneOfSpan(model, span.traceId, span.spanId)
    if (found < 0) return
    revealLane(view, found)
    const laneId = model.lanes[found]?.id ?? ''
    const inner = span === undefined ? undefined : `${laneId}/${span.spanId}`
    if (span !== undefined && !model.spans.has(`${span.traceId}/${span.spanId}`) && !view.open.peek().has(laneId))
      void openLane(view, found)
    const rows = view.rows.peek()
    view.cursor.value = rows.find((row) => row.id === inner)?.id ?? rowIdOfLane(view, found) ?? view.cursor.peek()
  }, [view, lane, span?.traceId, span?.spanId])
}

/** The trace that was opened, where it is not the one that the flow begins with anyway. */
function openedLane(model: FlowModel, traceId: string): number {
  return model.answer.title?.traceId === traceId ? -1 : model.lanes.findIndex((lane) => lane.traceId === traceId)
}

function NotHere(props: { readonly traceId: string; readonly resource: FlowResource; readonly empty: boolean }) {
  const { error } = props.resource.state.value
  if (error === undefined && !props.empty) {
    return (
      <div class="flow-page">
        <LoadingRows label="Loading the flow" />
      </div>
    )
  }
  const isMissing = props.empty || error?.status === 404
  return (
    <div class="flow-page">
      <Notice
        isPage
        icon={isMissing ? 'search' : 'unplugged'}
        kind={isMissing ? 'plain' : 'error'}
        title={isMissing ? 'Flow not found' : 'The flow could not be loaded'}
      >
        <p class="mono text">{props.traceId.slice(0, 64)}</p>
        {isMissing ? (
          <p>
            No span of this trace and no link to it is stored: not yet received, not sampled, or expired. This page
            opens it when it arrives.
          </p>
        ) : (
          <p>
            {error?.message} {error?.status === 400 ? '' : 'Retrying…'}
          </p>
        )}
        <p>
          <a href="/">See all traces</a>
        </p>
      </Notice>
    </div>
  )
}
