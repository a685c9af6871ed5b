import type { Message } from '@spanlink/api-schema'
import type { TimeWindow } from '../sql/time-window.ts'
import type { StoreAccess } from './messaging-spans/find-messaging-spans.ts'
import { comparePositions, type ListPosition, type MessagingSpan } from './messaging-spans/messaging-span.ts'
import type { MessagingSpanCondition, ScanStep } from './messaging-spans/newest-messaging-spans.ts'
import type { SpanLookup } from './messaging-spans/span-lookup.ts'

/** The parameters of a message list. */
export type MessageListRequest = StoreAccess & {
  readonly window: TimeWindow
  readonly topic: string | undefined
  readonly group: string | undefined
  /** Only messages that no group has consumed. */
  readonly neverConsumed: boolean
  /** Nanoseconds; each list has its own default. */
  readonly minQueueTime: bigint | undefined
  readonly lookup: SpanLookup
}

export type ListStep = ScanStep & {
  /** Maximum number of sends that are traced back. */
  readonly maxChains: number
}

/** Reads a list in steps: each continues at the previous step's end. */
export type MessageListReader = (step: ListStep) => Promise<FoundMessages>

export type FoundMessages = {
  /** Newest first. */
  readonly messages: readonly Message[]
  /** The last position scanned, if more spans follow. */
  readonly scannedUntil: ListPosition | undefined
  /** Times of all messages in the window, if known without reading each. */
  readonly times?: readonly bigint[] | undefined
  /** Messages from this time on are too recent to evaluate. @default end of the window */
  readonly searchedEnd?: bigint
}

type Filter = Pick<MessageListRequest, 'topic' | 'group'>

/**
 * Selects consuming spans that may belong to a message of the requested topic and group. A span
 * that names neither has those of its message: `isRequested` decides.
 */
export function filterConsumers({ topic, group }: Filter): MessagingSpanCondition {
  const conditions = [
    `messaging_operation in ('receive', 'process')`,
    ...(topic === undefined ? [] : [`topic in ({topic:String}, '')`]),
    ...(group === undefined ? [] : [`consumer_group in ({group:String}, '')`]),
  ]
  return {
    sql: conditions.join(' and '),
    params: { ...(topic !== undefined && { topic }), ...(group !== undefined && { group }) },
    inRollup: 'same',
  }
}

/** Whether a message is of the requested topic and group. */
export function isRequested(message: Pick<Message, 'topic' | 'consumerGroup'>, { topic, group }: Filter): boolean {
  return (topic ?? message.topic) === message.topic && (group ?? message.consumerGroup) === message.consumerGroup
}

export function toListPosition({ timeUnixNano, traceId, spanId }: Message): ListPosition {
  return { time: BigInt(timeUnixNano), traceId, spanId }
}

/** Whether a message is at or before a position in its list. */
export function isAtOrBefore(position: ListPosition, message: Message): boolean {
  return comparePositions(toListPosition(message), position) <= 0
}

/** Orders by position, newest first; ties have the same order on every page. */
export function compareNewestFirst(a: Message, b: Message): number {
  return comparePositions(toListPosition(a), toListPosition(b)) || (toSortKey(a) < toSortKey(b) ? -1 : 1)
}

function toSortKey({ consumerGroup, topic, partition, offset, producer, attempts }: Message): string {
  const spans = [producer, ...attempts].map((span) => span && [span.traceId, span.spanId, span.offset])
  return JSON.stringify([consumerGroup, topic, partition, offset.padStart(20, '0'), spans])
}

/** The consumer group, or the service if spans have no group. */
export function toConsumerId({ group, service }: Pick<MessagingSpan, 'group' | 'service'>): string {
  return group === '' ? `service ${service}` : group
}
