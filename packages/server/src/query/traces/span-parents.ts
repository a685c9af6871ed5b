import type { SpanKind, TraceResponse } from '@spanlink/api-schema'
import { hash } from 'node:crypto'

/**
 * What a span's place in its tree depends on. Trace id, span id, kind and service are its identity.
 */
export type TreeSpan = {
  readonly spanId: string
  /** '' for a root. */
  readonly parentSpanId: string
  readonly kind: SpanKind
  readonly service: string
}

export const ROOT = -1
export const PARENT_MISSING = -2

/** SQL: columns that are, within a trace, the identity of a span. */
export const spanIdentity = 'span_id, kind, service'

/** Of spans that share an id (B3: both sides of a call), a higher one runs in a lower one. */
const RANK: Readonly<Record<SpanKind, number>> = {
  client: 0,
  producer: 0,
  internal: 1,
  unspecified: 1,
  consumer: 2,
  server: 3,
}

/**
 * As `namedParents`, without cycles: of spans that are each other's parents, the first is
 * `PARENT_MISSING`.
 */
export function findParents(spans: readonly TreeSpan[]): Int32Array {
  const parents = resolveParents(spans)
  breakCycles(parents)
  return parents
}

/**
 * Index of each span's parent, or `ROOT` or `PARENT_MISSING`. Where a client and a server share an
 * id, the client is the server's parent, and a child of that id belongs to the one of its own
 * service, else to the server. So with a producer and consumers, where another consumer belongs to
 * the producer.
 */
export function resolveParents(spans: readonly TreeSpan[]): Int32Array {
  const sharers = new Map<string, number[]>()
  for (const [index, { spanId }] of spans.entries()) {
    const known = sharers.get(spanId)
    if (known === undefined) sharers.set(spanId, [index])
    else known.push(index)
  }
  return Int32Array.from(spans, (span, index) => {
    const own = sharers.get(span.spanId) ?? []
    const outer = own.length < 2 ? index : findOutermost(own, spans)
    if (getRank(spans, outer) < RANK[span.kind]) return outer
    if (span.parentSpanId === '') return ROOT
    const named = (sharers.get(span.parentSpanId) ?? []).filter((other) => other !== index)
    const [first = PARENT_MISSING] = named
    if (named.length < 2) return first
    const isOwn = (other: number): boolean => spans[other]?.service === span.service
    const isProducer = (other: number): boolean => span.kind === 'consumer' && spans[other]?.kind === 'producer'
    return named.find(isOwn) ?? named.find(isProducer) ?? findInnermost(named, spans)
  })
}

function findOutermost(indexes: readonly number[], spans: readonly TreeSpan[]): number {
  return indexes.reduce((best, index) => (getRank(spans, index) < getRank(spans, best) ? index : best))
}

/**
 * The one of several spans with an id that the id stands for where nothing else tells:
 * `PARENT_MISSING` of none.
 */
function findInnermost(indexes: readonly number[], spans: readonly TreeSpan[]): number {
  const inner = indexes.reduce<TreeSpan | undefined>((best, index) => {
    const span = spans[index]
    return span !== undefined && (best === undefined || isInside(span, best)) ? span : best
  }, undefined)
  return indexes.find((index) => spans[index] === inner) ?? PARENT_MISSING
}

/**
 * Of two spans that share an id; where kinds don't tell, by service, so that the choice is always
 * the same.
 */
export function isInside(a: Pick<TreeSpan, 'kind' | 'service'>, b: Pick<TreeSpan, 'kind' | 'service'>): boolean {
  return RANK[a.kind] > RANK[b.kind] || (RANK[a.kind] === RANK[b.kind] && a.service < b.service)
}

function getRank(spans: readonly TreeSpan[], index: number): number {
  return RANK[spans[index]?.kind ?? 'unspecified']
}

function breakCycles(parents: Int32Array): void {
  /** Number of the walk that came by, from 1. */
  const walks = new Int32Array(parents.length)
  for (let start = 0; start < parents.length; start++) {
    let at = start
    while (at >= 0 && walks[at] === 0) {
      walks[at] = start + 1
      at = parents[at] as number
    }
    if (at < 0 || walks[at] !== start + 1) continue
    let first = at
    for (let one = parents[at] as number; one !== at; one = parents[one] as number) first = Math.min(first, one)
    parents[first] = PARENT_MISSING
  }
}

/**
 * For readers that know a span by its id alone, as Jaeger and Tempo do it: inner spans of a shared
 * id get ids of their own.
 */
export function withUniqueSpanIds(trace: TraceResponse): TraceResponse {
  const { spans } = trace
  if (new Set(spans.map((span) => span.spanId)).size === spans.length) return trace
  const parents = findParents(spans)
  const taken = new Set<string>()
  const ids = spans.map((span, index) => {
    const isInner = spans[parents[index] as number]?.spanId === span.spanId
    const id = isInner || taken.has(span.spanId) ? createUniqueId(span) : span.spanId
    taken.add(id)
    return id
  })
  return {
    ...trace,
    spans: spans.map((span, index) => ({
      ...span,
      spanId: ids[index] ?? span.spanId,
      parentSpanId: ids[parents[index] as number] ?? (span.parentSpanId === span.spanId ? '' : span.parentSpanId),
    })),
  }
}

function createUniqueId({ spanId, kind, service }: TreeSpan): string {
  return hash('sha256', `${spanId}/${kind}/${service}`, 'hex').slice(0, 16)
}
