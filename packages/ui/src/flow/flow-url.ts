import type { Breadcrumb } from '../app/route.ts'

/** What of a flow is looked at, as its URL holds it. */
export interface FlowPageState {
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

type FlowSpanId = Pick<Breadcrumb, 'traceId' | 'spanId'>

export function parseFlowUrl(traceId: string, search: string): FlowPageState {
  const query = new URLSearchParams(search)
  return {
    traceId,
    view: query.get('view') === 'graph' ? 'graph' : 'timeline',
    lane: query.get('lane') ?? undefined,
    edge: query.get('edge') ?? undefined,
    span: parseSpan(query.get('span'), traceId),
    end: query.get('end')?.toLowerCase() ?? undefined,
    joined: query.get('joined') === '1',
    against: query.get('with')?.toLowerCase() ?? undefined,
  }
}

/**
 * `flowUrl(place, change)`: the same flow with something else looked at. Selecting one thing lets
 * go of another.
 */
export function flowUrl(traceId: string, pageState: Partial<Omit<FlowPageState, 'traceId'>> = {}): string {
  const query = new URLSearchParams()
  if (pageState.view === 'graph') query.set('view', 'graph')
  if (pageState.against !== undefined) query.set('with', pageState.against)
  if (pageState.joined === true) query.set('joined', '1')
  if (pageState.end !== undefined) query.set('end', pageState.end)
  if (pageState.lane !== undefined) query.set('lane', pageState.lane)
  else if (pageState.edge !== undefined) query.set('edge', pageState.edge)
  else if (pageState.span !== undefined) {
    const { spanId } = pageState.span
    query.set('span', pageState.span.traceId === traceId ? spanId : `${pageState.span.traceId}-${spanId}`)
  }
  const path = `/flow/${encodeURIComponent(traceId)}`
  return query.size === 0 ? path : `${path}?${query}`
}

/** The same flow in the same view with other details, or none. */
export function selectionUrl(
  pageState: FlowPageState,
  selection: Partial<Pick<FlowPageState, 'lane' | 'edge' | 'span'>> = {},
): string {
  return flowUrl(pageState.traceId, { ...pageState, lane: undefined, edge: undefined, span: undefined, ...selection })
}

/** `spanId` alone is of the flow's own trace, `traceId-spanId` of another. */
function parseSpan(text: string | null, traceId: string): FlowSpanId | undefined {
  if (text === null || text === '') return undefined
  const [first = '', second] = text.toLowerCase().split('-')
  return second === undefined ? { traceId, spanId: first } : { traceId: first, spanId: second }
}
