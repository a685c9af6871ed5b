import type { FlowModel } from '../model/flow-model.ts'
import type { PlacedEdge } from '../model/placed-flow.ts'
import type { FlowPageState } from '../flow-url.ts'
import type { FlowView, FlowProps } from '../flow-view.ts'
import { EdgeDetails } from './edge-details.tsx'
import { LaneDetails } from './lane-details.tsx'
import { SpanDetails } from './span-details.tsx'

export function FlowPanel({ view, pageState }: FlowProps) {
  const model = view.model.value
  const lane = pageState.lane === undefined ? undefined : model.laneById.get(pageState.lane)
  const edge = findEdge(model, pageState)
  if (lane !== undefined) return <LaneDetails key={pageState.lane} view={view} pageState={pageState} lane={lane} />
  if (edge !== undefined) return <EdgeDetails view={view} pageState={pageState} edge={edge} />
  if (pageState.span === undefined) return null
  return <SpanDetails key={pageState.span.spanId} view={view} pageState={pageState} {...pageState.span} />
}

export function hasDetails(view: FlowView, pageState: FlowPageState): boolean {
  const model = view.model.value
  if (pageState.lane !== undefined) return model.laneById.has(pageState.lane)
  if (pageState.edge !== undefined) return findEdge(model, pageState) !== undefined
  return pageState.span !== undefined && model.lanes.some((lane) => lane.traceId === pageState.span?.traceId)
}

export function isUnknownSelection(view: FlowView, pageState: FlowPageState): boolean {
  const isNamed = pageState.lane !== undefined || pageState.edge !== undefined || pageState.span !== undefined
  return isNamed && !hasDetails(view, pageState)
}

function findEdge(model: FlowModel, pageState: FlowPageState): PlacedEdge | undefined {
  return pageState.edge === undefined ? undefined : model.edges.find((one) => one.edge.id === pageState.edge)
}
