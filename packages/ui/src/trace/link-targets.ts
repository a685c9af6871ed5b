import type { LinkedSpan, LinksResponse } from '@spanlink/api-schema'
import type { LinkPeer, LinkDirection } from './follow-link.ts'

/** A link target with its known details. */
export interface LinkedTarget extends LinkPeer {
  readonly span: LinkedSpan | null
  readonly queueTimeNano: string | null
}

/** Groups link targets by span of this trace. */
export function groupTargetsBySpan(
  response: LinksResponse,
  direction: LinkDirection,
): ReadonlyMap<string, readonly LinkedTarget[]> {
  const ends = new Map<string, LinkedTarget[]>()
  for (const link of response.links) {
    if (link.direction !== direction) continue
    const of = ends.get(link.spanId) ?? []
    of.push({ traceId: link.peerTraceId, spanId: link.peerSpanId, span: link.peer, queueTimeNano: link.queueTimeNano })
    ends.set(link.spanId, of)
  }
  return ends
}
