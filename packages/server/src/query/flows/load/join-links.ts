import { type FlowLink, toLinkKey } from '../flow-span.ts'
import type { RefMap } from '../ref-map.ts'
import { type FlowRows, MAX_LINKS } from './fetch-flow-rows.ts'

/** Links that spans carry. */
export type CarriedLinks = RefMap<FlowLink[]>

export type JoinedLinks = {
  /** By trace: the links that it carries, then those of other traces that point at it. */
  readonly traces: ReadonlyMap<string, readonly FlowLink[]>
  /** The limit cut off links. */
  readonly isTruncated: boolean
}

/**
 * Joins the links that spans carry with the backlinks of these traces: a link that is read at both
 * ends is one object, and once in each trace.
 *
 * @param carried of traces that were loaded before; adds those of `spans`
 */
export function joinLinks(
  traceIds: readonly string[],
  { spans, backlinks }: FlowRows,
  carried: CarriedLinks,
): JoinedLinks {
  const own = new Map(traceIds.map((traceId) => [traceId, [] as FlowLink[]]))
  const repeated = new Set<string>()
  let left = MAX_LINKS
  for (const { span, links } of spans) {
    if (links.length === 0) continue
    const ofSpan = carried.getOrAdd(span, () => [])
    if (ofSpan.length > 0) repeated.add(span.traceId)
    const ofTrace = own.get(span.traceId)
    for (const link of links.slice(0, Math.max(left, 0))) {
      ofSpan.push(link)
      ofTrace?.push(link)
    }
    left -= links.length
  }
  for (const traceId of repeated) own.set(traceId, removeEqual(own.get(traceId) ?? []))
  const incoming = new Map<string, Set<FlowLink>>()
  const unmatched = new Map<string, FlowLink>()
  for (const backlink of backlinks.slice(0, Math.max(left, 0))) {
    const { linkingSpan, target } = backlink
    let link = findCarried(carried, backlink)
    if (link === undefined) {
      const key = toLinkKey(backlink)
      link = unmatched.get(key) ?? backlink
      // The linking span is not stored, or its trace is not one of these.
      if (link === backlink) own.get(linkingSpan.traceId)?.push(link)
      unmatched.set(key, link)
    }
    if (linkingSpan.traceId === target.traceId) continue
    const known = incoming.get(target.traceId)
    if (known === undefined) incoming.set(target.traceId, new Set([link]))
    else known.add(link)
  }
  const traces = new Map(Array.from(own, ([id, links]) => [id, [...links, ...(incoming.get(id) ?? [])]]))
  return { traces, isTruncated: left < backlinks.length }
}

function removeEqual(links: readonly FlowLink[]): FlowLink[] {
  return [...new Map(links.map((link) => [toLinkKey(link), link])).values()]
}

function findCarried(carried: CarriedLinks, backlink: FlowLink): FlowLink | undefined {
  const links = carried.get(backlink.linkingSpan)
  const link = links?.[backlink.ordinal]
  return link !== undefined && isSameLink(link, backlink) ? link : links?.find((one) => isSameLink(one, backlink))
}

function isSameLink(a: FlowLink, b: FlowLink): boolean {
  return (
    a.ordinal === b.ordinal &&
    a.target.spanId === b.target.spanId &&
    a.target.traceId === b.target.traceId &&
    a.linkingSpan.kindServiceKey === b.linkingSpan.kindServiceKey
  )
}
