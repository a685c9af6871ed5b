import type { StatusCode } from '@spanlink/api-schema'
import type { Interval } from '../../links/linked-span.ts'
import type { SpanIdentity, SpanRef } from '../../links/span-ref.ts'
import type { RecordIdentity } from '../../messages/deliveries/delivery.ts'

/** A span at one end of a link. */
export type LinkingSpan = SpanIdentity & Interval & { readonly status: StatusCode }

/** A span with its messaging fields; '' if unknown. */
export type SampledSpan = LinkingSpan &
  RecordIdentity & {
    readonly parentSpanId: string
    readonly linkCount: number
    readonly operation: string
    readonly group: string
  }

/** A link from a consuming span to a span of a sampled trace. */
export type SampledLink = {
  readonly target: SpanRef
  readonly source: LinkingSpan | SampledSpan
  /** What the link names if `source` names no topic. */
  readonly record: RecordIdentity
}

/** Spans of a trace by span id; an array if several share it. */
export type TraceSpans = Map<string, SampledSpan | SampledSpan[]>

/** One in `oneIn` traces: their spans in the window, and links to them from spans in the window. */
export type TraceSample = {
  readonly oneIn: number
  readonly traces: ReadonlyMap<string, TraceSpans>
  readonly links: readonly SampledLink[]
}

/** Groups spans by trace. One that was sent twice is kept once. */
export function groupByTrace(spans: Iterable<SampledSpan>): Map<string, TraceSpans> {
  const traces = new Map<string, TraceSpans>()
  for (const span of spans) addSpan(traces, span)
  return traces
}

export function addSpan(traces: Map<string, TraceSpans>, span: SampledSpan): void {
  const trace = traces.get(span.traceId) ?? new Map<string, SampledSpan[]>()
  traces.set(span.traceId, trace)
  const known = trace.get(span.spanId)
  if (known === undefined) trace.set(span.spanId, span)
  else if (!toSharers(known).some(({ kind, service }) => kind === span.kind && service === span.service)) {
    trace.set(span.spanId, [...toSharers(known), span])
  }
}

export function* listSpans(traces: TraceSample['traces']): Generator<SampledSpan> {
  for (const trace of traces.values()) for (const one of trace.values()) yield* toSharers(one)
}

/** Lists the spans of an id. */
export function listSharers(traces: TraceSample['traces'], { traceId, spanId }: SpanRef): readonly SampledSpan[] {
  return toSharers(traces.get(traceId)?.get(spanId))
}

export function toSharers(one: SampledSpan | SampledSpan[] = []): readonly SampledSpan[] {
  return Array.isArray(one) ? one : [one]
}

export function hasMessaging(span: LinkingSpan): span is SampledSpan {
  return 'operation' in span
}
