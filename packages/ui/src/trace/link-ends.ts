import type { LinkedSpan, LinksResponse } from '@spanlink/api-schema'
import { spanIdOf } from '../lib/id-index.ts'
import type { FarEnd, LinkDirection } from '../lib/follow.ts'
import type { TraceView } from './trace-view.ts'

/** A far end with what is known of it. */
export interface LinkEnd extends FarEnd {
  readonly span: LinkedSpan | null
  readonly queueTimeNano: string | null
}

/** More than these are not looked through for one badge: it names a few and counts the rest. */
const MOST_ROWS = 200
const MOST_ENDS = 4

/** Far ends by the span of this trace. */
export function endsBySpan(answer: LinksResponse, direction: LinkDirection): ReadonlyMap<string, readonly LinkEnd[]> {
  const ends = new Map<string, LinkEnd[]>()
  for (const link of answer.links) {
    if (link.direction !== direction) continue
    const of = ends.get(link.spanId) ?? []
    of.push({ traceId: link.peerTraceId, spanId: link.peerSpanId, span: link.peer, queueTimeNano: link.queueTimeNano })
    ends.set(link.spanId, of)
  }
  return ends
}

/** The first few far ends of a row's links; of all below it too when it is collapsed. */
export function endsOfRow(
  view: TraceView,
  position: number,
  direction: LinkDirection,
  isCollapsed: boolean,
): readonly LinkEnd[] {
  const model = view.model.value
  const last = isCollapsed ? Math.min(model.subtreeEnd[position] ?? 0, position + MOST_ROWS) : position + 1
  const ends: LinkEnd[] = []
  for (let p = position; p < last && ends.length < MOST_ENDS; p += 1) {
    const span = model.spans[p]
    if (span === undefined) break
    const known = direction === 'in' ? view.incoming.value : view.outgoing.value
    ends.push(...(known.get(spanIdOf(span.spanId)) ?? []))
  }
  return ends.slice(0, MOST_ENDS)
}
