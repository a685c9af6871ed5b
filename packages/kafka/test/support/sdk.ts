// The SDK under test: 3.x here, 2.x in compat/otel-sdk-2/sdk.ts, which stands in for this file when
// the same tests run there.
import { SimpleSpanProcessor } from '@opentelemetry/sdk-trace'
import type { SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace'

export { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
export { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core'
export { AlwaysOffSampler, AlwaysOnSampler, InMemorySpanExporter, TracerProvider } from '@opentelemetry/sdk-trace'
export type { ReadableSpan, Sampler } from '@opentelemetry/sdk-trace'

export const SDK_MAJOR = 3

export function exportAtOnce(exporter: SpanExporter): SpanProcessor {
  return new SimpleSpanProcessor({ exporter })
}
