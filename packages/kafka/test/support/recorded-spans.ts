import { SpanKind, context, propagation, trace } from '@opentelemetry/api'
import type { Attributes, SpanContext } from '@opentelemetry/api'
import { afterAll, beforeAll, beforeEach } from 'vitest'
import {
  AsyncLocalStorageContextManager,
  CompositePropagator,
  InMemorySpanExporter,
  TracerProvider,
  W3CBaggagePropagator,
  W3CTraceContextPropagator,
  exportAtOnce,
} from './sdk.ts'
import type { ReadableSpan } from './sdk.ts'

/** The spans a test made, as an application with a global SDK would have exported them. */
export interface RecordedSpans {
  all(): readonly ReadableSpan[]
  named(name: string): readonly ReadableSpan[]
  /** The one span of that name; fails if there are more or none. */
  only(name: string): ReadableSpan
}

/** Registers an SDK globally for the tests of a file, W3C trace context and baggage included. */
export function useRecordedSpans(): RecordedSpans {
  const exporter = new InMemorySpanExporter()
  beforeAll(() => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
    propagation.setGlobalPropagator(w3cPropagator())
    trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [exportAtOnce(exporter)] }))
  })
  beforeEach(() => exporter.reset())
  afterAll(() => {
    context.disable()
    propagation.disable()
    trace.disable()
  })
  const named = (name: string) => exporter.getFinishedSpans().filter((span) => span.name === name)
  return {
    all: () => exporter.getFinishedSpans(),
    named,
    only(name) {
      const [first, ...others] = named(name)
      if (first === undefined || others.length > 0) {
        const names = exporter.getFinishedSpans().map((span) => span.name)
        throw new Error(`expected one span '${name}' among: ${names.join(', ')}`)
      }
      return first
    },
  }
}

export function w3cPropagator(): CompositePropagator {
  return new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] })
}

/** A span as the tables of the conventions describe it. */
export function described(span: ReadableSpan): {
  readonly name: string
  readonly kind: string | undefined
  readonly parent: string | undefined
  readonly attributes: Attributes
  readonly links: readonly { readonly to: string; readonly attributes: Attributes | undefined }[]
} {
  return {
    name: span.name,
    kind: SpanKind[span.kind],
    parent: span.parentSpanContext && idOf(span.parentSpanContext),
    attributes: span.attributes,
    links: span.links.map((link) => ({ to: idOf(link.context), attributes: link.attributes })),
  }
}

export function idOf(span: ReadableSpan | SpanContext): string {
  const { traceId, spanId } = 'spanContext' in span ? span.spanContext() : span
  return `${traceId}-${spanId}`
}
