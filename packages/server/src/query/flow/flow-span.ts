import type { MessagingOperation, SpanKind, StatusCode } from '@spanlink/contract'

/** What the flow needs of a span: where it lies, what it is called and what it does with messages. */
export type FlowSpanRow = {
  readonly traceId: string
  readonly spanId: string
  /** '' for a root. */
  readonly parentSpanId: string
  readonly service: string
  readonly name: string
  readonly kind: SpanKind
  readonly status: StatusCode
  readonly flags: number
  readonly start: bigint
  /** Never before `start`. */
  readonly end: bigint
  readonly operation: MessagingOperation
  readonly topic: string
  readonly partition: string
  readonly offset: string
  readonly consumerGroup: string
}

/** A link between any two spans, once, however often its carrier was sent and from whichever side it was found. */
export type FlowLink = {
  /** The span that carries the link: the effect. */
  readonly carrier: SpanRef
  /** The span it points at: the cause. */
  readonly target: SpanRef
  readonly ordinal: number
  readonly topic: string
  readonly partition: string
  readonly offset: string
  readonly consumerGroup: string
}

export type SpanRef = { readonly traceId: string; readonly spanId: string }

export function spanKey(ref: SpanRef): string {
  return ref.traceId + ref.spanId
}
