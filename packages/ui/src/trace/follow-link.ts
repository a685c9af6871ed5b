import type { LinksResponse } from '@spanlink/api-schema'
import type { SpanHead, TraceModel } from './model/trace-model.ts'
import { toSpanId } from '../lib/id-index.ts'
import { getJson } from '../lib/api.ts'
import { traceUrl, type Breadcrumb } from '../app/route.ts'
import { pageState, push, replace } from '../lib/url.ts'
import { withParams } from '../lib/query-params.ts'

/** Direction along a message: `out` to the producer, `in` to the consumer. */
export type LinkDirection = 'out' | 'in'

/** The span at the other end of a link: its producer or a consumer. */
export interface LinkPeer {
  readonly traceId: string
  readonly spanId: string
}

/**
 * Navigates to the other end of a link. The history entry left behind names the current span, so
 * that Back returns to it. Following the same link back removes the last breadcrumb.
 */
export function follow(from: Breadcrumb, to: LinkPeer): void {
  const { trail } = pageState.peek()
  replace(traceUrl(from.traceId, from.spanId))
  const last = trail.at(-1)
  const isReturn = last !== undefined && last.traceId === to.traceId && last.spanId === to.spanId
  push(traceUrl(to.traceId, to.spanId), isReturn ? trail.slice(0, -1) : [...trail, from])
}

export function toBreadcrumb(traceId: string, span: Pick<SpanHead, 'spanId' | 'service' | 'name'>): Breadcrumb {
  return { traceId, spanId: span.spanId, service: span.service.slice(0, 200), name: span.name.slice(0, 200) }
}

export function linksPath(traceId: string, direction: LinkDirection, spanId?: string): string {
  return withParams(`api/traces/${traceId}/links`, { direction, limit: '100', spanId: spanId && toSpanId(spanId) })
}

/**
 * Finds the link for `[` or `]`: of the span under the cursor, else of its descendants, else of the
 * whole trace. Links whose target is stored are preferred.
 */
export async function findLinkToFollow(
  model: TraceModel,
  position: number,
  direction: LinkDirection,
  signal: AbortSignal,
): Promise<{ readonly from: SpanHead; readonly to: LinkPeer } | undefined> {
  const linkCounts = direction === 'out' ? model.linksOut : model.linksIn
  const linkingSpan = findFirstLinkingSpan(model, linkCounts, position)
  const from = linkingSpan === undefined ? undefined : model.spans[linkingSpan]
  if (from === undefined) return undefined
  const response = await getJson<LinksResponse>(linksPath(model.traceId, direction, from.spanId), signal)
  const link =
    response.links.find((link) => link.peer !== null) ?? response.links.find((link) => link.peerTraceId !== '')
  return link === undefined ? undefined : { from, to: { traceId: link.peerTraceId, spanId: link.peerSpanId } }
}

function findFirstLinkingSpan(model: TraceModel, linkCounts: Uint32Array, position: number): number | undefined {
  const search = (from: number, to: number): number | undefined => {
    for (let p = from; p < to; p += 1) if ((linkCounts[p] ?? 0) > 0) return p
    return undefined
  }
  return search(position, model.subtreeEnd[position] ?? position) ?? search(0, model.count)
}
