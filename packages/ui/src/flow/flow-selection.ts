import { batch } from '@preact/signals'
import type { PlacedEdge } from './model/placed-flow.ts'
import { selectionUrl, type FlowPageState } from './flow-url.ts'
import { findLaneRowId, type FlowView } from './flow-view.ts'
import { replace } from '../lib/url.ts'

/** Selects a row for the details panel. A group row has no details and clears the selection. */
export function selectRow(view: FlowView, pageState: FlowPageState, id: string): void {
  const row = view.rows.peek().find((one) => one.id === id)
  // The comparison of two flows has no details panel.
  if (row === undefined || row.kind === 'loading' || pageState.against !== undefined) return
  if (row.kind === 'group') return replace(selectionUrl(pageState))
  if (row.kind === 'missing') return replace(selectionUrl(pageState, { span: row.producer }))
  const lane = view.model.peek().lanes[row.lane]
  if (lane === undefined) return
  if (row.kind === 'lane') replace(selectionUrl(pageState, { lane: lane.id }))
  else {
    const spanId = row.spans.spanId[row.span] ?? ''
    replace(selectionUrl(pageState, { span: { traceId: lane.traceId, spanId } }))
  }
}

export function closeDetails(pageState: FlowPageState): void {
  if (pageState.against === undefined) replace(selectionUrl(pageState))
}

/**
 * Moves the cursor to the row at the other end of an edge; that row may stand for several traces.
 */
export function goToHop(view: FlowView, pageState: FlowPageState, hop: PlacedEdge, to: 'effect' | 'cause'): void {
  const id = findLaneRowId(view, to === 'effect' ? hop.toLane : hop.fromLane)
  if (id === undefined) return
  batch(() => {
    view.wantsFocus.value = true
    view.cursor.value = id
  })
  if (pageState.lane !== undefined || pageState.span !== undefined || pageState.edge !== undefined)
    selectRow(view, pageState, id)
}
