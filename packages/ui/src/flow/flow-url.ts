import type { Breadcrumb } from '../app/route.ts'
import { withParams } from '../lib/query-params.ts'

/** State of the flow page, as stored in its URL. */
export interface FlowPageState {
  readonly traceId: string
  readonly view: 'timeline' | 'graph'
  /** Selection for the details panel: a lane id, an edge id or a span; at most one of the three. */
  readonly lane: string | undefined
  readonly edge: string | undefined
  readonly span: SpanKey | undefined
  /** Span id where the critical path ends; the flow's last span when undefined. */
  readonly end: string | undefined
  /**
   * Includes other events whose messages were consumed in the same batch as this flow's messages.
   */
  readonly joined: boolean
  /** Trace id of a second flow to compare with. */
  readonly against: string | undefined
}

export type SpanKey = Pick<Breadcrumb, 'traceId' | 'spanId'>

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
  const { view, against, joined, end, lane, edge, span } = pageState
  const spanParam = span?.traceId === traceId ? span.spanId : span && `${span.traceId}-${span.spanId}`
  return withParams(`flow/${encodeURIComponent(traceId)}`, {
    view: view === 'graph' && view,
    with: against,
    joined: joined && '1',
    end,
    lane,
    edge: lane === undefined && edge,
    span: lane === undefined && edge === undefined && spanParam,
  })
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
function parseSpan(text: string | null, traceId: string): SpanKey | undefined {
  if (text === null || text === '') return undefined
  const [first = '', second] = text.toLowerCase().split('-')
  return second === undefined ? { traceId, spanId: first } : { traceId: first, spanId: second }
}
