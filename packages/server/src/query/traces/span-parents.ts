import type { SpanKind, TraceResponse } from '@spanlink/api-schema'
import { hash } from 'node:crypto'

/**
 * The fields that determine a span's position in its tree. Trace id, span id, kind and service
 * identify a span.
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

/** For spans that share an id (B3: both sides of a call): a higher rank is inside a lower one. */
const RANK: Readonly<Record<SpanKind, number>> = {
  client: 0,
  producer: 0,
  internal: 1,
  unspecified: 1,
  consumer: 2,
  server: 3,
}

/** Like `resolveParents`, without cycles: the first span of a cycle gets `PARENT_MISSING`. */
export function findParents(spans: readonly TreeSpan[]): Int32Array {
  const parents = resolveParents(spans)
  breakCycles(parents)
  return parents
}

/**
 * Returns the index of each span's parent, or `ROOT` or `PARENT_MISSING`. Where a client and a
 * server share an id, the client is the server's parent. A child of that id belongs to the span of
 * the same service, else to the server. The same applies to a producer and consumers, except that a
 * consumer of another service belongs to the producer.
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

/** Returns the innermost span, the default for a shared id; `PARENT_MISSING` for an empty list. */
function findInnermost(indexes: readonly number[], spans: readonly TreeSpan[]): number {
  const inner = indexes.reduce<TreeSpan | undefined>((best, index) => {
    const span = spans[index]
    return span !== undefined && (best === undefined || isInside(span, best)) ? span : best
  }, undefined)
  return indexes.find((index) => spans[index] === inner) ?? PARENT_MISSING
}

/**
 * Compares two spans that share an id. Equal ranks are ordered by service, so that the result is
 * deterministic.
 */
export function isInside(a: Pick<TreeSpan, 'kind' | 'service'>, b: Pick<TreeSpan, 'kind' | 'service'>): boolean {
  return RANK[a.kind] > RANK[b.kind] || (RANK[a.kind] === RANK[b.kind] && a.service < b.service)
}

function getRank(spans: readonly TreeSpan[], index: number): number {
  return RANK[spans[index]?.kind ?? 'unspecified']
}

function breakCycles(parents: Int32Array): void {
  /** Number of the walk that visited the span, from 1; 0 if unvisited. */
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
 * For clients that identify a span by its id alone, such as Jaeger and Tempo: inner spans of a
 * shared id get unique ids.
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
