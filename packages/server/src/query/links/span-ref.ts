import type { SpanKind } from '@spanlink/api-schema'

/** What a link or a parent id names. Several spans may share it. */
export type SpanRef = { readonly traceId: string; readonly spanId: string }

/**
 * Identifies one span. Tracers may give a consumer the ids of its producer, or two consumers the
 * same ids.
 */
export type SpanIdentity = SpanRef & { readonly kind: SpanKind; readonly service: string }

/** The same for all spans that share the id. */
export function toRefKey({ traceId, spanId }: SpanRef): string {
  return traceId + spanId
}

/** Distinguishes spans that share an id. */
export function toSpanKey(span: SpanIdentity): string {
  return `${toRefKey(span)} ${toKindServiceKey(span)}`
}

export function toKindServiceKey({ kind, service }: Pick<SpanIdentity, 'kind' | 'service'>): string {
  return `${kind} ${service}`
}

export function selectIdentity({ traceId, spanId, kind, service }: SpanIdentity): SpanIdentity {
  return { traceId, spanId, kind, service }
}
