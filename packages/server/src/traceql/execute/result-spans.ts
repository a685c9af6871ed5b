import type { Plan } from '../analyze/plan.ts'
import type { Field } from '../syntax/ast.ts'
import { describeField } from '../syntax/describe.ts'
import type { TraceRows } from './trace-rows.ts'

export type ResultSpan = {
  readonly spanId: string
  readonly parentSpanId: string
  readonly service: string
  readonly name: string
  readonly kind: string
  readonly status: string
  /** Unix nanoseconds. */
  readonly startTimeUnixNano: string
  readonly durationNanos: string
  /** Fields that conditions and select() name, if the span has them. */
  readonly attributes: readonly ResultAttribute[]
}

type ResultAttribute = {
  /** As in a query: `span.http.method`, `.topic`, `trace:rootName`. */
  readonly field: string
  /** Type code as in `spans.attr_types`. */
  readonly type: string
  readonly value: string
}

/** @param shown labels of the plan */
export function toResultSpan(
  { spans, labels }: TraceRows,
  at: number,
  plan: Plan,
  shown: readonly Field[],
): ResultSpan {
  const span = spans[at]
  if (!span) throw new RangeError(`span ${at} of ${spans.length}`)
  return {
    spanId: span.spanId,
    parentSpanId: span.parentSpanId,
    service: span.service,
    name: span.name,
    kind: span.kind,
    status: span.status,
    startTimeUnixNano: String(span.start),
    durationNanos: String(span.duration),
    attributes: shown.flatMap((field) => {
      const value = labels[plan.getLabelIndex(field)]?.[at]
      return value ? [{ field: describeField(field), type: value.code, value: value.text }] : []
    }),
  }
}
