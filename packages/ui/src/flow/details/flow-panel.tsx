import type { FlowModel } from '../model/flow-model.ts'
import type { PlacedEdge } from '../model/placed-flow.ts'
import type { FlowPlace } from '../flow-url.ts'
import type { FlowView } from '../flow-view.ts'
import { EdgeDetails } from './edge-details.tsx'
import { LaneDetails } from './lane-details.tsx'
import { SpanDetails } from './span-details.tsx'

export function FlowPanel({ view, place }: { readonly view: FlowView; readonly place: FlowPlace }) {
  const model = view.model.value
  const lane = place.lane === undefined ? undefined : model.laneOf.get(place.lane)
  const edge = edgeOf(model, place)
  if (lane !== undefined) return <LaneDetails key={place.lane} view={view} place={place} lane={lane} />
  if (edge !== undefined) return <EdgeDetails model={model} place={place} edge={edge} />
  if (place.span === undefined) return null
  return <SpanDetails key={place.span.spanId} view={view} place={place} {...place.span} />
}

export function hasDetails(view: FlowView, place: FlowPlace): boolean {
  const model = view.model.value
  if (place.lane !== undefined) return model.laneOf.has(place.lane)
  if (place.edge !== undefined) return edgeOf(model, place) !== undefined
  return place.span !== undefined && model.lanes.some((lane) => lane.traceId === place.span?.traceId)
}

export function isUnknownSelection(view: FlowView, place: FlowPlace): boolean {
  const isNamed = place.lane !== undefined || place.edge !== undefined || place.span !== undefined
  return isNamed && !hasDetails(view, place)
}

function edgeOf(model: FlowModel, place: FlowPlace): PlacedEdge | undefined {
  return place.edge === undefined ? undefined : model.edges.find((one) => one.edge.id === place.edge)
}
