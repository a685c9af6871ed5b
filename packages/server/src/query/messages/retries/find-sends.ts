import type { QueryOptions, Store } from '../../../clickhouse/store.ts'
import type { TimeWindow } from '../../sql/time-window.ts'
import { inWindow, toWindowParams } from '../../sql/time-window.ts'
import { bucket } from '../../sql/span-bucket.ts'
import { comparePlaces, type ListQuestion } from '../message-list.ts'
import { keyOf, type MessageEnd, type Place, type StartPlace } from '../endpoints/message-endpoint.ts'
import { newestEnds } from '../endpoints/newest-endpoints.ts'

const MAX_TOPICS = 2_000

export type Sends = {
  /** Newest first, after the question's place. */
  readonly sends: readonly MessageEnd[]
  /** The last place looked at, if there is more to look at. */
  readonly lookedTo: Place | undefined
  /**
   * When all sends of the window were, whatever the question's place; `undefined` where they are
   * more than wanted.
   */
  readonly times: readonly bigint[] | undefined
}

/**
 * Sends to topics whose name is like a pattern. The rollup knows these topics, and in which
 * stretches they were sent to: what is rare is read there alone.
 *
 * @param pattern of RE2, without regard to case
 * @param limit of `sends`
 * @param atMost sends of the window of which the times are wanted
 */
export async function sendsTo(pattern: string, limit: number, atMost: number, question: ListQuestion): Promise<Sends> {
  const { store, window, before, traces, options } = question
  const { topics, buckets, count } = await topicsLike(pattern, question)
  if (topics.length === 0) return { sends: [], lookedTo: undefined, times: [] }
  if (count > atMost) return { ...(await newestSends(topics, limit, question)), times: undefined }
  const all = withoutCreates(await sendsIn(store, window, { topics, buckets }, options)).sort(comparePlaces)
  const rest = before === undefined ? all : all.filter((send) => isFrom(before, send))
  const page = rest.slice(0, limit)
  const found = await traces.endsByRef(
    page.map((send) => ({ ...send, start: send.time })),
    'producer',
  )
  return {
    sends: page.flatMap((send) => found.get(keyOf(send)) ?? []),
    lookedTo: rest.length > limit ? page.at(-1) : undefined,
    times: all.map((send) => send.time),
  }
}

type Send = Place & { readonly operation: string; readonly topic: string }

function isFrom(place: StartPlace, send: Send): boolean {
  const order = comparePlaces(place, send)
  return order < 0 || (order === 0 && place.isInclusive)
}

/** A `create` belongs to the send beside it. */
function withoutCreates<Sent extends Pick<Send, 'traceId' | 'operation' | 'topic'>>(sends: readonly Sent[]): Sent[] {
  const sent = new Set(sends.filter((send) => send.operation === 'send').map((send) => send.traceId + send.topic))
  return sends.filter((send) => send.operation === 'send' || !sent.has(send.traceId + send.topic))
}

async function newestSends(
  topics: readonly string[],
  limit: number,
  { store, window, before, options }: ListQuestion,
): Promise<Pick<Sends, 'sends' | 'lookedTo'>> {
  const condition = { sql: isSent, params: { topics }, inRollup: 'same' as const }
  const { ends, lookedTo } = await newestEnds(store, window, condition, before, limit, options)
  return { sends: withoutCreates(ends), lookedTo }
}

const isSent = `messaging_operation in ('create', 'send') and topic in {topics:Array(String)}`

type LikeTopics = {
  readonly topics: readonly string[]
  /** Ten-minute buckets of the key of `spans` in which they were sent to. */
  readonly buckets: readonly number[]
  /** A span that was sent twice counts twice. */
  readonly count: number
}

/** Names are few and spans many. */
async function topicsLike(
  pattern: string,
  { store, window, topic, options }: Pick<ListQuestion, 'store' | 'window' | 'topic' | 'options'>,
): Promise<LikeTopics> {
  const rows = await store.query<{ topic: string; buckets: readonly number[]; n: string }>(
    `select topic, groupUniqArray(intDiv(minute, 10)) as buckets, sum(spans) as n
    from traffic_minutes
    where minute >= {fromMinute:UInt32} and minute <= {toMinute:UInt32} and messaging_operation in ('create', 'send')
      and match(topic, {pattern:String}) and startsWith(topic, {topicStart:String})
    group by topic
    order by n desc
    limit ${MAX_TOPICS}`,
    {
      fromMinute: String(window.start / MINUTE),
      toMinute: String(window.end / MINUTE),
      pattern: `(?i)${pattern}`,
      // `orders` finds `orders.dlq` as well.
      topicStart: topic ?? '',
    },
    options,
  )
  return {
    topics: rows.map((row) => row.topic),
    buckets: [...new Set(rows.flatMap((row) => row.buckets))],
    count: rows.reduce((sum, row) => sum + Number(row.n), 0),
  }
}

const MINUTE = 60_000_000_000n

/** All of the window, each once. */
async function sendsIn(
  store: Store,
  window: TimeWindow,
  { topics, buckets }: Pick<LikeTopics, 'topics' | 'buckets'>,
  options: QueryOptions,
): Promise<Send[]> {
  const rows = await store.query<Omit<Send, 'time'> & { readonly start: string }>(
    `select start, lower(hex(trace_id)) as traceId, lower(hex(span_id)) as spanId, messaging_operation as operation, topic
    from spans prewhere ${isSent}
    where ${inWindow} and ${bucket} in {buckets:Array(UInt64)}`,
    { ...toWindowParams(window), topics, buckets },
    options,
  )
  const sends = rows.map(({ start, ...row }) => ({ ...row, time: BigInt(start) }))
  return [...new Map(sends.map((send) => [keyOf(send), send])).values()]
}
