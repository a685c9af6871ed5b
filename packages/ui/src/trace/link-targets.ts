import type { LinkedSpan, LinksResponse } from '@spanlink/api-schema'
import type { FarEnd, LinkDirection } from './follow-link.ts'

/** A far end with what is known of it. */
export interface LinkEnd extends FarEnd {
  readonly span: LinkedSpan | null
  readonly queueTimeNano: string | null
}

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
