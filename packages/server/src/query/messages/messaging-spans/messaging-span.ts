import type { Message, MessageSpan, RecordMetadata, StatusCode } from '@spanlink/api-schema'
import { computeQueueTime } from '../../links/linked-span.ts'
import { selectIdentity, toRefKey, toSpanKey, type SpanIdentity, type SpanRef } from '../../links/span-ref.ts'

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
export type ListPosition = SpanRef & { readonly time: bigint }

/** Where a page starts: after a position, or at it if some of its messages are not yet returned. */
export type StartPosition = ListPosition & { readonly isInclusive: boolean }

/** Newest first. */
export function comparePositions(a: ListPosition, b: ListPosition): number {
  if (a.time !== b.time) return a.time > b.time ? -1 : 1
  const [first, second] = [a.traceId + a.spanId, b.traceId + b.spanId]
  return first === second ? 0 : first > second ? -1 : 1
}

/** Whether a page that starts at `before` has the position. */
export function isOnPage(before: StartPosition | undefined, position: ListPosition): boolean {
  const order = before === undefined ? -1 : comparePositions(before, position)
  return order < 0 || (order === 0 && before?.isInclusive === true)
}

export function toSpanPosition({ start, traceId, spanId }: MessagingSpan): ListPosition {
  return { time: start, traceId, spanId }
}

/** Columns of `spans` for a `SpanIdentity`. */
export const identityColumns = 'lower(hex(trace_id)) as traceId, lower(hex(span_id)) as spanId, kind, service'

export function isProducing({ operation }: Pick<MessagingSpan, 'operation'>): boolean {
  return operation === 'create' || operation === 'send'
}

export function isConsuming({ operation }: Pick<MessagingSpan, 'operation'>): boolean {
  return operation === 'receive' || operation === 'process'
}

/**
 * Excludes spans that enclose others: a batch's span around its messages' spans is not a delivery.
 */
export function keepInnermost(spans: readonly MessagingSpan[]): MessagingSpan[] {
  // A consumer that shares its producer's id has that id as parent, as do the producer's other
  // consumers.
  const isSharer = (span: MessagingSpan): boolean => span.parentSpanId === span.spanId
  const parents = new Set(spans.map((span) => span.traceId + span.parentSpanId))
  return spans.filter((span) => isSharer(span) || !parents.has(toRefKey(span)))
}

/** Converts to the API's type, without the error. */
export function toMessageSpan(span: MessagingSpan, producer: MessagingSpan | undefined): MessageSpan {
  return {
    ...selectIdentity(span),
    name: span.name,
    cluster: span.cluster,
    topic: span.topic,
    partition: span.partition,
    offset: span.offset,
    key: '',
    consumerGroup: isConsuming(span) ? span.group : '',
    startTimeUnixNano: String(span.start),
    endTimeUnixNano: String(span.end),
    status: span.status,
    errorType: '',
    errorMessage: '',
    queueTimeNano: producer === undefined || !isConsuming(span) ? null : String(computeQueueTime(producer, span)),
  }
}

export type Attempt = { readonly consumer: MessagingSpan; readonly producer: MessagingSpan | undefined }

/**
 * Converts to the API's type, without errors.
 *
 * @param at the span whose position the message has in its list
 */
export function toMessage(
  at: MessagingSpan,
  { cluster, topic, partition, offset, key }: RecordMetadata,
  details: {
    readonly group: string
    readonly waitNano: bigint
    readonly producer: MessagingSpan | undefined
    readonly attempts: readonly Attempt[]
  },
): Message {
  const record = { cluster, topic, partition, offset, key }
  return {
    traceId: at.traceId,
    spanId: at.spanId,
    ...record,
    consumerGroup: details.group,
    timeUnixNano: String(at.start),
    waitNano: String(details.waitNano),
    producer: details.producer === undefined ? null : toMessageSpan(details.producer, undefined),
    attempts: details.attempts.map(({ consumer, producer }) => toMessageSpan(consumer, producer)),
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
