import { toRefKey, toSpanKey, type SpanIdentity, type SpanRef } from '../../links/span-ref.ts'
import type { FoundLink, SpanDetails, StoredSpan } from './stored-span.ts'

/** Spans and links that a request has read, each once. */
export type SpanIndex = {
  /** Also adds the links that the span carries. */
  readonly addSpan: (span: StoredSpan, details?: SpanDetails) => void
  readonly addLink: (link: FoundLink) => void
  readonly findSpan: (span: SpanIdentity) => StoredSpan | undefined
  readonly findDetails: (span: SpanIdentity) => SpanDetails | undefined
  /** Lists the spans that share the id. */
  readonly listSharers: (ref: SpanRef) => readonly StoredSpan[]
  readonly listChildren: (ref: SpanRef) => readonly StoredSpan[]
  readonly listLinksTo: (ref: SpanRef) => readonly FoundLink[]
  readonly listTrace: (traceId: string) => readonly StoredSpan[]
}

export function createSpanIndex(): SpanIndex {
  const byTrace = new Map<string, Map<string, StoredSpan>>()
  const byRef = new Map<string, StoredSpan[]>()
  const byParent = new Map<string, StoredSpan[]>()
  const detailsOf = new Map<string, SpanDetails>()
  const linksTo = new Map<string, Map<string, FoundLink>>()
  const addLink = (link: FoundLink): void => {
    const { producerRef, consumedRef, ordinal } = link
    const target = toRefKey(producerRef)
    const links = linksTo.get(target) ?? new Map<string, FoundLink>()
    linksTo.set(target, links.set(`${toSpanKey(consumedRef)} ${ordinal}`, link))
  }
  return {
    addSpan: (span, details) => {
      const key = toSpanKey(span)
      if (details !== undefined) detailsOf.set(key, details)
      const trace = byTrace.get(span.traceId) ?? new Map<string, StoredSpan>()
      byTrace.set(span.traceId, trace)
      if (trace.has(key)) return
      trace.set(key, span)
      push(byRef, toRefKey(span), span)
      if (span.parentSpanId !== '') push(byParent, span.traceId + span.parentSpanId, span)
      for (const link of span.links) addLink(link)
    },
    addLink,
    findSpan: (span) => byTrace.get(span.traceId)?.get(toSpanKey(span)),
    findDetails: (span) => detailsOf.get(toSpanKey(span)),
    listSharers: (ref) => byRef.get(toRefKey(ref)) ?? [],
    listChildren: (ref) => byParent.get(toRefKey(ref)) ?? [],
    listLinksTo: (ref) => [...(linksTo.get(toRefKey(ref))?.values() ?? [])],
    listTrace: (traceId) => [...(byTrace.get(traceId)?.values() ?? [])],
  }
}

function push(lists: Map<string, StoredSpan[]>, key: string, span: StoredSpan): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [span])
  else list.push(span)
}
