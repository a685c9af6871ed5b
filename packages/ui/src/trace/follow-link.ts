import type { LinksResponse } from '@spanlink/api-schema'
import type { SpanHead, TraceModel } from './model/trace-model.ts'
import { toSpanId } from '../lib/id-index.ts'
import { getJson } from '../lib/api.ts'
import { traceUrl, type Breadcrumb } from '../app/route.ts'
import { pageState, push, replace } from '../lib/url.ts'

/**
 * Which way along a message: `out` goes back to where it was produced, `in` on to where it was
 * consumed.
 */
export type LinkDirection = 'out' | 'in'

/** A span at the far end of a link. */
export interface LinkTarget {
  readonly traceId: string
  readonly spanId: string
}

/**
 * Goes to the far end of a link. The entry one leaves names the span one left, so Back ends exactly
 * there. Going straight back along the link one came by takes the last breadcrumb away instead of
 * growing the trail without end.
 */
export function follow(from: Breadcrumb, to: LinkTarget): void {
  const { trail } = pageState.peek()
  replace(traceUrl(from.traceId, from.spanId))
  const last = trail.at(-1)
  const isReturn = last !== undefined && last.traceId === to.traceId && last.spanId === to.spanId
  push(traceUrl(to.traceId, to.spanId), isReturn ? trail.slice(0, -1) : [...trail, from])
}

export function toBreadcrumb(traceId: string, span: Pick<SpanHead, 'spanId' | 'service' | 'name'>): Breadcrumb {
  return { traceId, spanId: span.spanId, service: span.service.slice(0, 200), name: span.name.slice(0, 200) }
}

export function linksPath(
  traceId: string,
  direction: LinkDirection | 'both',
  spanId?: string,
  cursor?: string,
): string {
  const params = new URLSearchParams({ direction, limit: '100' })
  if (spanId !== undefined) params.set('spanId', toSpanId(spanId))
  if (cursor !== undefined) params.set('cursor', cursor)
  return `/api/traces/${traceId}/links?${params}`
}

/**
 * The link that `[` or `]` takes: of the span under the cursor, else of what is below it, else of
 * the whole trace. Links whose far end is here are taken before ones whose end is missing.
 */
export async function findLinkToFollow(
  model: TraceModel,
  position: number,
  direction: LinkDirection,
  signal: AbortSignal,
): Promise<{ readonly from: SpanHead; readonly to: LinkTarget } | undefined> {
  const carriers = direction === 'out' ? model.linksOut : model.linksIn
  const carrier = findFirstCarrier(model, carriers, position)
  const from = carrier === undefined ? undefined : model.spans[carrier]
  if (from === undefined) return undefined
  const response = await getJson<LinksResponse>(linksPath(model.traceId, direction, from.spanId), signal)
  const link =
    response.links.find((link) => link.peer !== null) ?? response.links.find((link) => link.peerTraceId !== '')
  return link === undefined ? undefined : { from, to: { traceId: link.peerTraceId, spanId: link.peerSpanId } }
}

function findFirstCarrier(model: TraceModel, carriers: Uint32Array, position: number): number | undefined {
  const search = (from: number, to: number): number | undefined => {
    for (let p = from; p < to; p += 1) if ((carriers[p] ?? 0) > 0) return p
    return undefined
  }
  return search(position, model.subtreeEnd[position] ?? position) ?? search(0, model.count)
}
