import type { MessageList } from '@spanlink/api-schema'
import { parseRecentRange, startOfRange, type RecentRange, writeRecentRange } from '../lib/recent-range.ts'
import { parseDuration } from '@spanlink/api-schema/duration'
import { normalizeDuration } from '../lib/format/duration.ts'
import { withParams } from '../lib/query-params.ts'

/** List names and descriptions, most severe first. */
export const MESSAGE_LISTS = [
  ['dead-lettered', 'Dead-lettered', 'Sent to a dead-letter topic'],
  ['unconsumed', 'Unconsumed', 'Not consumed by a group that reads the topic'],
  ['late', 'Late', 'Consumed long after the send'],
  ['retried', 'Retried', 'Tried again after a failure'],
  ['redelivered', 'Redelivered', 'Delivered more than once to the same group'],
] as const satisfies readonly (readonly [MessageList, string, string])[]

export interface MessagesPageState {
  readonly list: MessageList
  readonly topic: string
  readonly group: string
  /** For the list `unconsumed`: only messages that no group has consumed. */
  readonly never: boolean
  readonly after: string
  readonly last: RecentRange
  readonly limit: number
}

const MIN_LIMIT = 50
/** Maximum `limit` of the API. */
export const MAX_MESSAGES = 500

export function parseMessagesUrl(query: URLSearchParams): MessagesPageState {
  const list = query.get('list')
  const limit = Math.round(Number(query.get('limit') ?? MIN_LIMIT))
  return {
    list: MESSAGE_LISTS.find(([name]) => name === list)?.[0] ?? 'dead-lettered',
    topic: query.get('topic') ?? '',
    group: query.get('group') ?? '',
    never: query.get('never') === '1',
    after: query.get('after') ?? '',
    last: parseRecentRange(query.get('last')),
    limit: Number.isFinite(limit) ? Math.min(MAX_MESSAGES, Math.max(MIN_LIMIT, limit)) : MIN_LIMIT,
  }
}

export function messagesUrl(pageState: MessagesPageState): string {
  const { list, topic, group, after, last, limit } = pageState
  return withParams('messages', {
    list: list !== 'dead-lettered' && list,
    topic,
    group,
    never: isNeverConsumed(pageState) && '1',
    after: hasMinDuration(list) && after,
    last: writeRecentRange(last),
    limit: limit !== MIN_LIMIT && String(limit),
  })
}

/** Only these two lists have a duration filter. */
export function hasMinDuration(list: MessageList): boolean {
  return list === 'unconsumed' || list === 'late'
}

export function isNeverConsumed({ list, never }: Pick<MessagesPageState, 'list' | 'never'>): boolean {
  return list === 'unconsumed' && never
}

/** A short description of the list. */
export function describeList(pageState: Pick<MessagesPageState, 'list' | 'never'>): string {
  if (isNeverConsumed(pageState)) return 'Not consumed by any group'
  return MESSAGE_LISTS.find(([list]) => list === pageState.list)?.[2] ?? ''
}

const DEFAULT_AFTER_NANOS = 60_000_000_000n

/** Messages younger than this are not listed in `unconsumed` yet. */
export function minAgeNanos({ list, after }: Pick<MessagesPageState, 'list' | 'after'>): bigint {
  if (list !== 'unconsumed') return 0n
  return parseDuration(normalizeDuration(after) ?? '') ?? DEFAULT_AFTER_NANOS
}

export function messagesPath(pageState: MessagesPageState, nowMillis: number): string {
  const { list, topic, group, after, last, limit } = pageState
  const isNever = isNeverConsumed(pageState)
  return withParams(`api/messages/${list}`, {
    start: startOfRange(last, nowMillis),
    limit: String(limit),
    topic,
    neverConsumed: isNever && 'true',
    consumerGroup: !isNever && group,
    minQueueTime: hasMinDuration(list) && normalizeDuration(after),
  })
}
