import { batch } from '@preact/signals'
import type { PlacedEdge } from './model/placed-flow.ts'
import { selectionUrl, type FlowPlace } from './flow-url.ts'
import { rowIdOfLane, type FlowView } from './flow-view.ts'
import { replace } from '../lib/url.ts'

/** Details of what a row shows; a row that stands for several traces shows them instead. */
export function selectRow(view: FlowView, place: FlowPlace, id: string): void {
  const row = view.rows.peek().find((one) => one.id === id)
  // Of two flows side by side there is no room for details.
  if (row === undefined || row.kind === 'waiting' || place.against !== undefined) return
  if (row.kind === 'group') return replace(selectionUrl(place))
  if (row.kind === 'missing') return replace(selectionUrl(place, { span: row.producer }))
  const lane = view.model.peek().lanes[row.lane]
  if (lane === undefined) return
  if (row.kind === 'lane') replace(selectionUrl(place, { lane: lane.id }))
  else {
    const spanId = row.spans.spanId[row.span] ?? ''
    replace(selectionUrl(place, { span: { traceId: lane.traceId, spanId } }))
  }
}

export function closeDetails(place: FlowPlace): void {
  if (place.against === undefined) replace(selectionUrl(place))
}

/** To the far end of an edge, whose row may stand for several traces. */
export function goAlong(view: FlowView, place: FlowPlace, way: PlacedEdge, to: 'effect' | 'cause'): void {
  const id = rowIdOfLane(view, to === 'effect' ? way.toLane : way.fromLane)
  if (id === undefined) return
  batch(() => {
    view.wantsFocus.value = true
    view.cursor.value = id
  })
  if (place.lane !== undefined || place.span !== undefined || place.edge !== undefined) selectRow(view, place, id)
}
