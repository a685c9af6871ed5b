import type { Attributes, HrTime, Link, SpanContext, SpanKind, SpanStatus } from '@opentelemetry/api'

/**
 * An ended span, as SDK 2.x and 3.x give it to processors and exporters (their `ReadableSpan`
 * fits).
 */
export interface RecordedSpan {
  readonly name: string
  readonly kind: SpanKind
  readonly parentSpanContext?: SpanContext
  readonly startTime: HrTime
  readonly endTime: HrTime
  readonly status: SpanStatus
  readonly attributes: Attributes
  readonly links: readonly Link[]
  spanContext(): SpanContext
}

/** Whether two contexts name one span. */
export function isSameSpan(one: SpanContext | undefined, other: SpanContext): boolean {
  return one !== undefined && one.traceId === other.traceId && one.spanId === other.spanId
}
