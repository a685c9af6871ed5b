import type { Breadcrumb } from '../app/route.ts'

/** State of the flow page, as stored in its URL. */
export interface FlowPageState {
  readonly traceId: string
  readonly view: 'timeline' | 'graph'
  /** Selection for the details panel: a lane id, an edge id or a span; at most one of the three. */
  readonly lane: string | undefined
  readonly edge: string | undefined
  readonly span: FlowSpanId | undefined
  /** Span id where the critical path ends; the flow's last span when undefined. */
  readonly end: string | undefined
  /**
   * Includes other events whose messages were consumed in the same batch as this flow's messages.
   */
  readonly joined: boolean
  /** Trace id of a second flow to compare with. */
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
 * Builds the URL of a flow page. At most one selection is written: the lane, else the edge, else
 * the span.
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

/** Same flow and view with another selection, or with none. */
export function selectionUrl(
  pageState: FlowPageState,
  selection: Partial<Pick<FlowPageState, 'lane' | 'edge' | 'span'>> = {},
): string {
  return flowUrl(pageState.traceId, { ...pageState, lane: undefined, edge: undefined, span: undefined, ...selection })
}

/**
 * `spanId` refers to a span of the flow's own trace, `traceId-spanId` to a span of another trace.
 */
function parseSpan(text: string | null, traceId: string): FlowSpanId | undefined {
  if (text === null || text === '') return undefined
  const [first = '', second] = text.toLowerCase().split('-')
  return second === undefined ? { traceId, spanId: first } : { traceId: first, spanId: second }
}
