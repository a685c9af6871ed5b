import type { Message } from '@spanlink/api-schema'
import type { QueryOptions, QueryParams, Store } from '../../clickhouse/store.ts'
import type { TimeWindow } from '../sql/time-window.ts'
import type { MessageEndpoint, MessagePosition, StartPosition } from './endpoints/message-endpoint.ts'
import type { TraceCache } from './retries/trace-cache.ts'

/** What a list of messages is asked. */
export type MessageListRequest = {
  readonly store: Store
  readonly window: TimeWindow
  readonly topic: string | undefined
  readonly group: string | undefined
  /** Only what no group at all has consumed. */
  readonly neverConsumed: boolean
  /** Nanoseconds; each list has its own default. */
  readonly minQueueTime: bigint | undefined
  readonly before: StartPosition | undefined
  readonly traces: TraceCache
  readonly options: QueryOptions
}

export type FoundMessages = {
  /** Newest first. */
  readonly messages: readonly Message[]
  /** The last place looked at, if there is more to look at. */
  readonly scannedUntil: MessagePosition | undefined
  /** When all messages of the window were, if that is known without looking at each. */
  readonly times?: readonly bigint[] | undefined
  /** Messages from then on are too young to judge. @default end of the window */
  readonly searchedEnd?: bigint
}

/**
 * Spans that a list looks at in one step, newest first: each end of their messages is a read of its
 * own.
 */
export const MAX_SCANNED_SPANS = 500

/**
 * SQL of the topic and group asked for, beside a list's own condition, which is about the operation
 * alone unless the caller says otherwise.
 */
export function filterByTopicAndGroup(
  sql: string,
  { topic, group }: Pick<MessageListRequest, 'topic' | 'group'>,
): { readonly sql: string; readonly params: QueryParams; readonly inRollup: 'same' } {
  const conditions = [
    sql,
    ...(topic === undefined ? [] : ['topic = {topic:String}']),
    ...(group === undefined ? [] : ['consumer_group = {group:String}']),
  ]
  return {
    sql: conditions.join(' and '),
    params: { ...(topic !== undefined && { topic }), ...(group !== undefined && { group }) },
    inRollup: 'same',
  }
}

/** Newest first. */
export function comparePositions(a: MessagePosition, b: MessagePosition): number {
  if (a.time !== b.time) return a.time > b.time ? -1 : 1
  const [first, second] = [a.traceId + a.spanId, b.traceId + b.spanId]
  return first === second ? 0 : first > second ? -1 : 1
}

export function toPosition({ timeUnixNano, traceId, spanId }: Message): MessagePosition {
  return { time: BigInt(timeUnixNano), traceId, spanId }
}

/** Whether a message comes no later in its list than a place. */
export function isAtOrBefore(place: MessagePosition, message: Message): boolean {
  return comparePositions(toPosition(message), place) <= 0
}

/** In the order of places; of one place in an order that is the same in every page. */
export function compareNewestFirst(a: Message, b: Message): number {
  return comparePositions(toPosition(a), toPosition(b)) || (toSortKey(a) < toSortKey(b) ? -1 : 1)
}

function toSortKey({ consumerGroup, topic, partition, offset, producer, attempts }: Message): string {
  const spans = [producer, ...attempts].map((span) => span && [span.traceId, span.spanId, span.offset])
  return JSON.stringify([consumerGroup, topic, partition, offset.padStart(20, '0'), spans])
}

/** Who consumed: the group, or the service where spans name no group. */
export function toConsumerId({ group, service }: MessageEndpoint): string {
  return group === '' ? `service ${service}` : group
}
