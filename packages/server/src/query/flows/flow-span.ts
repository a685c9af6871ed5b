import type { MessagingOperation, RecordMetadata, SpanKind, StatusCode } from '@spanlink/api-schema'
import { producingOperations } from '../../clickhouse/insert/messaging/semconv.ts'
import { isInside } from '../traces/span-parents.ts'
import { toRefKey, toSpanKey, type SpanRef } from '../links/span-ref.ts'

/** The columns of a span that flows use. */
export type FlowSpanRow = RecordMetadata & {
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
  readonly group: string
  readonly kindServiceKey: string
}

/** A link between any two spans. Repeated exports and both directions are one link. */
export type FlowLink = RecordMetadata & {
  /** The span that carries the link: the effect. */
  readonly linkingSpan: FlowSpanRef
  /** The span it points at: the cause. */
  readonly target: FlowSpanRef
  readonly ordinal: number
  readonly group: string
}

export type FlowSpanRef = SpanRef & {
  /** Kind and service, to distinguish spans that share an id. Absent if unknown. */
  readonly kindServiceKey?: string
}

/** Removes duplicates of spans that were sent twice. */
export function deduplicateSpans(rows: readonly FlowSpanRow[]): readonly FlowSpanRow[] {
  const mayRepeat = new Set(rows.map(({ spanId }) => spanId)).size < rows.length
  return mayRepeat ? [...new Map(rows.map((row) => [toSpanKey(row), row])).values()] : rows
}

/**
 * Links to spans that share an id refer to the one that produces, else to the one that consumes,
 * else to the inner one.
 */
export function indexSpan<One extends { readonly span: FlowSpanRow }>(spans: Map<string, One>, one: One): void {
  const key = toRefKey(one.span)
  const known = spans.get(key)
  if (known !== undefined) for (const each of [known, one]) spans.set(toSpanKey(each.span), each)
  if (known === undefined || isPreferred(one.span, known.span)) spans.set(key, one)
}

function isPreferred(a: FlowSpanRow, b: FlowSpanRow): boolean {
  const [rankA, rankB] = [rankOperation(a), rankOperation(b)]
  return rankA === rankB ? isInside(a, b) : rankA > rankB
}

function rankOperation({ operation }: FlowSpanRow): number {
  return producingOperations.has(operation) ? 2 : operation === 'none' ? 0 : 1
}

export function findSpan<One extends { readonly span: FlowSpanRow }>(
  spans: ReadonlyMap<string, One>,
  ref: FlowSpanRef,
): One | undefined {
  const key = toRefKey(ref)
  const found = spans.get(key)
  const { kindServiceKey = found?.span.kindServiceKey } = ref
  return found?.span.kindServiceKey === kindServiceKey ? found : (spans.get(`${key} ${kindServiceKey}`) ?? found)
}

export function toLinkKey({ linkingSpan, target, ordinal }: FlowLink): string {
  return `${toRefKey(linkingSpan)}${toRefKey(target)}${ordinal} ${linkingSpan.kindServiceKey}`
}
