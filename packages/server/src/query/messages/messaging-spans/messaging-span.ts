import type { MessageSpan, StatusCode } from '@spanlink/api-schema'
import { NO_SPAN, computeQueueTime } from '../../links/linked-span.ts'
import { toRefKey, toSpanKey, type SpanIdentity, type SpanRef } from '../../links/span-ref.ts'

/** A span that produces or consumes messages. */
export type MessagingSpan = SpanIdentity & {
  readonly parentSpanId: string
  readonly start: bigint
  readonly end: bigint
  readonly name: string
  readonly status: StatusCode
  readonly operation: string
  /** '' if the span has none. */
  readonly cluster: string
  readonly topic: string
  readonly partition: string
  readonly offset: string
  readonly group: string
}

/** A position in a list, newest first; several messages may share one. */
export type MessagePosition = SpanRef & { readonly time: bigint }

/** Where a page starts: after a position, or at it if some of its messages are not yet returned. */
export type StartPosition = MessagePosition & { readonly isInclusive: boolean }

/** Columns of `spans` for an `MessagingSpanRow`. */
export const messagingSpanColumns = `lower(hex(trace_id)) as traceId, lower(hex(span_id)) as spanId,
  lower(hex(parent_span_id)) as parentSpanId, kind, start, toUInt64(start + duration) as finish, service, name, status,
  messaging_operation as operation, cluster, topic, partition, message_offset as offset, consumer_group as group`

export type MessagingSpanRow = Omit<MessagingSpan, 'start' | 'end'> & {
  readonly start: string
  readonly finish: string
}

export function toMessagingSpan({ start, finish, ...row }: MessagingSpanRow): MessagingSpan {
  return {
    ...row,
    parentSpanId: row.parentSpanId === NO_SPAN ? '' : row.parentSpanId,
    offset: row.offset === '-1' ? '' : row.offset,
    start: BigInt(start),
    end: BigInt(finish),
  }
}

export function isConsuming({ operation }: Pick<MessagingSpan, 'operation'>): boolean {
  return operation === 'receive' || operation === 'process'
}

/**
 * Excludes spans that enclose others: a batch's span around its messages' spans is not a delivery.
 */
export function keepInnermost(ends: readonly MessagingSpan[]): MessagingSpan[] {
  // A consumer that shares its producer's id has that id as parent, as do the producer's other
  // consumers.
  const isSharer = (end: MessagingSpan): boolean => end.parentSpanId === end.spanId
  const parents = new Set(ends.map((end) => end.traceId + end.parentSpanId))
  return ends.filter((end) => isSharer(end) || !parents.has(toRefKey(end)))
}

/** Converts to the API's type, without the error. */
export function toMessageSpan(end: MessagingSpan, producer: MessagingSpan | undefined): MessageSpan {
  return {
    traceId: end.traceId,
    spanId: end.spanId,
    kind: end.kind,
    service: end.service,
    name: end.name,
    cluster: end.cluster,
    topic: end.topic,
    partition: end.partition,
    offset: end.offset,
    key: '',
    consumerGroup: isConsuming(end) ? end.group : '',
    startTimeUnixNano: String(end.start),
    endTimeUnixNano: String(end.end),
    status: end.status,
    errorType: '',
    errorMessage: '',
    queueTimeNano: producer === undefined || !isConsuming(end) ? null : String(computeQueueTime(producer, end)),
  }
}

/**
 * Selects the consuming children, with their parent. A consumer that shares a producer's id has
 * that producer as parent, regardless of its parent id.
 */
export function selectConsumingChildren<Span extends SpanIdentity & Pick<MessagingSpan, 'parentSpanId' | 'operation'>>(
  parents: readonly Pick<MessagingSpan, 'traceId' | 'spanId' | 'operation'>[],
  spans: readonly Span[],
): Span[] {
  const keys = new Set(parents.map(toRefKey))
  const producers = new Set(parents.filter((parent) => !isConsuming(parent)).map(toRefKey))
  const children = spans.filter(isConsuming).flatMap((span) => {
    if (producers.has(toRefKey(span))) return [{ ...span, parentSpanId: span.spanId }]
    return keys.has(span.traceId + span.parentSpanId) ? [span] : []
  })
  return [...new Map(children.map((child) => [toSpanKey(child), child])).values()]
}
