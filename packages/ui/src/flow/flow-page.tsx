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
import { sanitizeText } from '../lib/format/sanitize.ts'
import { findSpanLane, type FlowModel } from './model/flow-model.ts'
import { parseFlowUrl, type FlowPageState } from './flow-url.ts'
import { keepFoldsInUrl } from './flow-folds.ts'
import { createFlowResource } from './flow-resource.ts'
import { createFlowView, openLane, revealLane, findLaneRowId, type FlowView } from './flow-view.ts'
import { PanelSplit } from '../components/details/panel-split.tsx'
import { HopDialog } from './details/hop-dialog.tsx'
import { FlowCompare } from './compare/flow-compare.tsx'
import { FlowGraph } from './graph/flow-graph.tsx'
import { FlowHeader } from './header/flow-header.tsx'
import { bindFlowKeys } from './flow-keys.ts'
import { NotFound } from '../trace/not-found.tsx'
import { usePageTitle } from '../lib/url.ts'
import { FlowNotes } from './header/flow-notes.tsx'
import { FlowOrigins } from './header/flow-origins.tsx'
import { FlowPanel, hasDetails } from './details/flow-panel.tsx'
import { FlowTimeline } from './timeline/flow-timeline.tsx'
import { FlowToolbar } from './header/flow-toolbar.tsx'

export function FlowPage({ traceId, search }: { readonly traceId: string; readonly search: string }) {
  const pageState = useMemo(() => parseFlowUrl(traceId, search), [traceId, search])
  if (pageState.against !== undefined) return <FlowCompare pageState={pageState} against={pageState.against} />
  return <OneFlow pageState={pageState} />
}

function OneFlow({ pageState }: { readonly pageState: FlowPageState }) {
  const { traceId } = pageState
  const resource = useMemo(() => createFlowResource(pageState), [traceId, pageState.end, pageState.joined])
  useEffect(() => resource.start(), [resource])
  const { data } = resource.state.value
  // Another end of the critical path is another request for the same flow: keep folds and open
  // lanes.
  const shown = useRef<FlowView | undefined>(undefined)
  if (data !== undefined && data.lanes.length > 0) shown.current ??= createFlowView(data)
  const view = shown.current
  useEffect(() => () => view?.stop(), [view])
  useEffect(() => {
    if (data !== undefined) view?.update(data)
  }, [view, data])
  useLayoutEffect(() => (view === undefined ? undefined : keepFoldsInUrl(view, traceId)), [view, traceId])
  useSelectionInUrl(view, pageState)
  useLayoutEffect(() => (view === undefined ? undefined : bindFlowKeys(view, traceId)), [view, traceId])
  const name = data?.title?.name
  usePageTitle(name === undefined ? 'Flow' : `Flow of ${sanitizeText(name, 60)}`)

  if (view === undefined) {
    const { error } = resource.state.value
    return (
      <div class="page">
        <NotFound
          what="flow"
          traceId={traceId}
          error={error}
          isEmpty={data !== undefined}
          isRetrying={error?.status !== 400}
        >
          No span of this trace and no link to it is stored: not yet received, not sampled, or expired.
        </NotFound>
      </div>
    )
  }
  return (
    <div class="page">
      <FlowHeader view={view} pageState={pageState} />
      <FlowOrigins view={view} pageState={pageState} />
      <FlowNotes view={view} pageState={pageState} resource={resource} />
      <PanelSplit
        main={
          <section class="trace-main" aria-label={pageState.view === 'graph' ? 'Flow graph' : 'Flow timeline'}>
            <FlowToolbar view={view} pageState={pageState} />
            {pageState.view === 'graph' ? (
              <FlowGraph view={view} pageState={pageState} />
            ) : (
              <FlowTimeline view={view} pageState={pageState} />
            )}
          </section>
        }
        panel={hasDetails(view, pageState) ? <FlowPanel view={view} pageState={pageState} /> : undefined}
      />
      <HopDialog view={view} pageState={pageState} />
    </div>
  )
}

/**
 * Reveals the selection in the URL: gives its lane a row, and opens the lane if only its full list
 * of spans contains the span.
 */
function useSelectionInUrl(view: FlowView | undefined, pageState: FlowPageState): void {
  const { lane, span } = pageState
  useEffect(() => {
    if (view === undefined) return
    const model = view.model.peek()
    const found =
      lane !== undefined
        ? (model.laneById.get(lane) ?? -1)
        : span === undefined
          ? openedLane(model, pageState.traceId)
          : findSpanLane(model, span.traceId, span.spanId)
    if (found < 0) return
    revealLane(view, found)
    const laneId = model.lanes[found]?.id ?? ''
    const inner = span === undefined ? undefined : `${laneId}/${span.spanId}`
    if (span !== undefined && !model.spans.has(`${span.traceId}/${span.spanId}`) && !view.open.peek().has(laneId))
      void openLane(view, found)
    const rows = view.rows.peek()
    view.cursor.value = rows.find((row) => row.id === inner)?.id ?? findLaneRowId(view, found) ?? view.cursor.peek()
  }, [view, lane, span?.traceId, span?.spanId])
}

/** Lane of the opened trace, or -1 if the flow starts with that trace. */
function openedLane(model: FlowModel, traceId: string): number {
  return model.response.title?.traceId === traceId ? -1 : model.lanes.findIndex((lane) => lane.traceId === traceId)
}
