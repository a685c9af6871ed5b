import type { MessageList } from '@spanlink/api-schema'
import { parseRecentRange, startOfRange, type RecentRange } from '../lib/recent-range.ts'
import { parseDuration } from '@spanlink/api-schema/duration'
import { normalizeDuration } from '../lib/format/duration.ts'

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
  const query = new URLSearchParams()
  if (pageState.list !== 'dead-lettered') query.set('list', pageState.list)
  if (pageState.topic !== '') query.set('topic', pageState.topic)
  if (pageState.group !== '') query.set('group', pageState.group)
  if (isNeverConsumed(pageState)) query.set('never', '1')
  if (pageState.after !== '' && hasMinDuration(pageState.list)) query.set('after', pageState.after)
  if (pageState.last !== '1h') query.set('last', pageState.last)
  if (pageState.limit !== MIN_LIMIT) query.set('limit', String(pageState.limit))
  return query.size === 0 ? '/messages' : `/messages?${query}`
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
  const params = new URLSearchParams({ start: startOfRange(pageState.last, nowMillis), limit: String(pageState.limit) })
  if (pageState.topic !== '') params.set('topic', pageState.topic)
  if (isNeverConsumed(pageState)) params.set('neverConsumed', 'true')
  else if (pageState.group !== '') params.set('consumerGroup', pageState.group)
  const after = normalizeDuration(pageState.after)
  if (after !== undefined && hasMinDuration(pageState.list)) params.set('minQueueTime', after)
  return `/api/messages/${pageState.list}?${params}`
}
