import { SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import type { SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace-base'

export { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
export { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core'
export {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BasicTracerProvider as TracerProvider,
  InMemorySpanExporter,
} from '@opentelemetry/sdk-trace-base'
export type { ReadableSpan, Sampler } from '@opentelemetry/sdk-trace-base'

export const SDK_MAJOR = 2

export function exportAtOnce(exporter: SpanExporter): SpanProcessor {
  return new SimpleSpanProcessor(exporter)
}
