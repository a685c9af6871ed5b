import { kv, type OtlpLink, type OtlpSpan, randomSpanId, randomTraceId } from '@spanlink/testkit/otlp'

export const MS = 1_000_000n

/** Unix nanoseconds now, the base of a test's times. */
export function nowNano(): bigint {
  return BigInt(Date.now()) * MS
}

export type SpanParts = Partial<OtlpSpan> & { readonly start: bigint; readonly duration?: bigint }

/** A span, by default of a new trace and 5 ms long. */
export function span({
  start,
  duration = 5n * MS,
  ...rest
}: SpanParts): Required<Pick<OtlpSpan, 'traceId' | 'spanId'>> & OtlpSpan {
  return {
    traceId: randomTraceId(),
    spanId: randomSpanId(),
    name: 'GET /',
    kind: 2,
    startTimeUnixNano: String(start),
    endTimeUnixNano: String(start + duration),
    ...rest,
  }
}

export function linkTo(target: { readonly traceId: string; readonly spanId: string }, offset = 1): OtlpLink {
  return {
    traceId: target.traceId,
    spanId: target.spanId,
    attributes: [kv('messaging.kafka.offset', offset), kv('messaging.destination.name', 'orders')],
    flags: 0x101,
    traceState: 'a=b',
  }
}
