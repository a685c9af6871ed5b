import type { Crumb } from '../app/route.ts'

/** What of a flow is looked at, as its URL holds it. */
export interface FlowPlace {
  readonly traceId: string
  readonly view: 'timeline' | 'graph'
  /** What the details are of: an id of a lane or an edge, or a span. At most one of the three. */
  readonly lane: string | undefined
  readonly edge: string | undefined
  readonly span: FlowSpanId | undefined
  /** Where the critical path is to end; the flow's last span when undefined. */
  readonly end: string | undefined
  /** With the other events whose messages a batch took together with this one's. */
  readonly joined: boolean
  /** The trace of a second flow to compare with. */
  readonly against: string | undefined
}

type FlowSpanId = Pick<Crumb, 'traceId' | 'spanId'>

export function flowPlaceOf(traceId: string, search: string): FlowPlace {
  const query = new URLSearchParams(search)
  return {
    traceId,
    view: query.get('view') === 'graph' ? 'graph' : 'timeline',
    lane: query.get('lane') ?? undefined,
    edge: query.get('edge') ?? undefined,
    span: spanOf(query.get('span'), traceId),
    end: query.get('end')?.toLowerCase() ?? undefined,
    joined: query.get('joined') === '1',
    against: query.get('with')?.toLowerCase() ?? undefined,
  }
}

/**
 * `flowUrl(place, change)`: the same flow with something else looked at. Selecting one thing lets
 * go of another.
 */
export function flowUrl(traceId: string, place: Partial<Omit<FlowPlace, 'traceId'>> = {}): string {
  const query = new URLSearchParams()
  if (place.view === 'graph') query.set('view', 'graph')
  if (place.against !== undefined) query.set('with', place.against)
  if (place.joined === true) query.set('joined', '1')
  if (place.end !== undefined) query.set('end', place.end)
  if (place.lane !== undefined) query.set('lane', place.lane)
  else if (place.edge !== undefined) query.set('edge', place.edge)
  else if (place.span !== undefined) {
    const { spanId } = place.span
    query.set('span', place.span.traceId === traceId ? spanId : `${place.span.traceId}-${spanId}`)
  }
  const path = `/flow/${encodeURIComponent(traceId)}`
  return query.size === 0 ? path : `${path}?${query}`
}

/** The same flow in the same view with other details, or none. */
export function selectionUrl(
  place: FlowPlace,
  selection: Partial<Pick<FlowPlace, 'lane' | 'edge' | 'span'>> = {},
): string {
  return flowUrl(place.traceId, { ...place, lane: undefined, edge: undefined, span: undefined, ...selection })
}

/** `spanId` alone is of the flow's own trace, `traceId-spanId` of another. */
function spanOf(text: string | null, traceId: string): FlowSpanId | undefined {
  if (text === null || text === '') return undefined
  const [first = '', second] = text.toLowerCase().split('-')
  return second === undefined ? { traceId, spanId: first } : { traceId: first, spanId: second }
}
