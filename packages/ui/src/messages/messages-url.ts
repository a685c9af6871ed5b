import type { MessageList } from '@spanlink/api-schema'
import { parseRecentRange, startOfRange, type RecentRange } from '../lib/recent-range.ts'
import { normalizeDuration, parseDuration } from '../lib/format/duration-text.ts'

/** Names and what they mean, in the order of how much they hurt. */
export const MESSAGE_LISTS = [
  ['dead-lettered', 'Dead-lettered', 'Sent to a dead-letter topic'],
  ['unconsumed', 'Unconsumed', 'Not consumed by a group that reads the topic'],
  ['late', 'Late', 'Consumed long after the send'],
  ['retried', 'Retried', 'Tried again after a failure'],
  ['redelivered', 'Redelivered', 'Delivered more than once to the same group'],
] as const satisfies readonly (readonly [MessageList, string, string])[]

export interface MessagesPlace {
  readonly list: MessageList
  readonly topic: string
  readonly group: string
  /** Of `unconsumed`: only messages that no group has consumed. */
  readonly never: boolean
  readonly after: string
  readonly last: RecentRange
  readonly limit: number
}

const LEAST_LIMIT = 50
/** The most that the API gives at once. */
export const MOST_MESSAGES = 500

export function messagesPlaceOf(query: URLSearchParams): MessagesPlace {
  const list = query.get('list')
  const limit = Math.round(Number(query.get('limit') ?? LEAST_LIMIT))
  return {
    list: MESSAGE_LISTS.find(([name]) => name === list)?.[0] ?? 'dead-lettered',
    topic: query.get('topic') ?? '',
    group: query.get('group') ?? '',
    never: query.get('never') === '1',
    after: query.get('after') ?? '',
    last: parseRecentRange(query.get('last')),
    limit: Number.isFinite(limit) ? Math.min(MOST_MESSAGES, Math.max(LEAST_LIMIT, limit)) : LEAST_LIMIT,
  }
}

export function messagesUrl(place: MessagesPlace): string {
  const query = new URLSearchParams()
  if (place.list !== 'dead-lettered') query.set('list', place.list)
  if (place.topic !== '') query.set('topic', place.topic)
  if (place.group !== '') query.set('group', place.group)
  if (isNever(place)) query.set('never', '1')
  if (place.after !== '' && hasAfter(place.list)) query.set('after', place.after)
  if (place.last !== '1h') query.set('last', place.last)
  if (place.limit !== LEAST_LIMIT) query.set('limit', String(place.limit))
  return query.size === 0 ? '/messages' : `/messages?${query}`
}

/** Only these two lists ask how long. */
export function hasAfter(list: MessageList): boolean {
  return list === 'unconsumed' || list === 'late'
}

export function isNever({ list, never }: Pick<MessagesPlace, 'list' | 'never'>): boolean {
  return list === 'unconsumed' && never
}

/** What a list contains, in a few words. */
export function listWords(place: Pick<MessagesPlace, 'list' | 'never'>): string {
  if (isNever(place)) return 'Not consumed by any group'
  return MESSAGE_LISTS.find(([list]) => list === place.list)?.[2] ?? ''
}

const DEFAULT_AFTER_NANOS = 60e9

/** A younger message cannot be in `unconsumed` yet. */
export function minAgeNanos({ list, after }: Pick<MessagesPlace, 'list' | 'after'>): bigint {
  if (list !== 'unconsumed') return 0n
  return BigInt(Math.round(parseDuration(normalizeDuration(after) ?? '') ?? DEFAULT_AFTER_NANOS))
}

export function messagesPath(place: MessagesPlace, nowMillis: number): string {
  const params = new URLSearchParams({ start: startOfRange(place.last, nowMillis), limit: String(place.limit) })
  if (place.topic !== '') params.set('topic', place.topic)
  if (isNever(place)) params.set('neverConsumed', 'true')
  else if (place.group !== '') params.set('consumerGroup', place.group)
  const after = normalizeDuration(place.after)
  if (after !== undefined && hasAfter(place.list)) params.set('minQueueTime', after)
  return `/api/messages/${place.list}?${params}`
}
