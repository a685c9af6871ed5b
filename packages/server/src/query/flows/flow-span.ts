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
  /** Of a batch; 0 if unknown. */
  readonly messageCount: number
  /** Of the links that it carries. */
  readonly linkCount: number
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

type Indexed = { readonly span: FlowSpanRow }

/** Spans of a trace by id. */
export type SpanIndex<One extends Indexed> = {
  /** Of spans that share an id, the one that links to it refer to. */
  readonly byId: Map<string, One>
  /** Spans that share an id, by `toSharerKey`. */
  readonly sharers: Map<string, One>
}

export function createSpanIndex<One extends Indexed>(): SpanIndex<One> {
  return { byId: new Map(), sharers: new Map() }
}

/**
 * Links to spans that share an id refer to the one that produces, else to the one that consumes,
 * else to the inner one.
 */
export function indexSpan<One extends Indexed>({ byId, sharers }: SpanIndex<One>, one: One): void {
  const { spanId } = one.span
  const known = byId.get(spanId)
  if (known !== undefined) for (const each of [known, one]) sharers.set(toSharerKey(each.span), each)
  if (known === undefined || isPreferred(one.span, known.span)) byId.set(spanId, one)
}

function isPreferred(a: FlowSpanRow, b: FlowSpanRow): boolean {
  const [rankA, rankB] = [rankOperation(a), rankOperation(b)]
  return rankA === rankB ? isInside(a, b) : rankA > rankB
}

function rankOperation({ operation }: FlowSpanRow): number {
  return producingOperations.has(operation) ? 2 : operation === 'none' ? 0 : 1
}

/** @param index of the ref's trace */
export function findSpan<One extends Indexed>(index: SpanIndex<One> | undefined, ref: FlowSpanRef): One | undefined {
  const found = index?.byId.get(ref.spanId)
  if (found === undefined || ref.kindServiceKey === undefined) return found
  return found.span.kindServiceKey === ref.kindServiceKey ? found : (index?.sharers.get(toSharerKey(ref)) ?? found)
}

function toSharerKey({ spanId, kindServiceKey }: FlowSpanRef): string {
  return `${spanId} ${kindServiceKey}`
}

export function toLinkKey({ linkingSpan, target, ordinal }: FlowLink): string {
  return `${toRefKey(linkingSpan)}${toRefKey(target)}${ordinal} ${linkingSpan.kindServiceKey}`
}
