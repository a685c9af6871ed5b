import type { QueryOptions, Store } from '../../../clickhouse/store.ts'
import { MINUTE_NANO, type TimeWindow } from '../../sql/time-window.ts'
import { inWindow, toWindowParams } from '../../sql/time-window.ts'
import { bucket } from '../../sql/span-bucket.ts'
import { comparePositions, type MessageListRequest } from '../message-list.ts'
import { toSpanKey, type SpanIdentity } from '../../links/span-ref.ts'
import { keyBySpan } from '../messaging-spans/find-messaging-spans.ts'
import type { MessagingSpan, ListPosition, StartPosition } from '../messaging-spans/messaging-span.ts'
import { findNewestMessagingSpans } from '../messaging-spans/newest-messaging-spans.ts'

const MAX_TOPICS = 2_000

export type Sends = {
  /** Newest first, after the request's position. */
  readonly sends: readonly MessagingSpan[]
  /** The last position scanned, if more spans follow. */
  readonly scannedUntil: ListPosition | undefined
  /**
   * Times of all sends in the window, regardless of the request's position; `undefined` above
   * `maxSends`.
   */
  readonly times: readonly bigint[] | undefined
}

/**
 * Finds sends to topics whose names match a pattern. `traffic_minutes` lists these topics and the
 * ten-minute buckets with sends, so rare sends read only those buckets. Ignores the request's topic
 * and group: only the chains of the sends lead to those.
 *
 * @param pattern RE2, case-insensitive
 * @param limit maximum number of `sends`
 * @param maxSends maximum number of sends in the window for which `times` is returned
 */
export async function findSends(
  pattern: string,
  limit: number,
  maxSends: number,
  request: MessageListRequest,
): Promise<Sends> {
  const { store, window, before, traces, options } = request
  const { topics, buckets, count } = await findMatchingTopics(pattern, request)
  if (topics.length === 0) return { sends: [], scannedUntil: undefined, times: [] }
  if (count > maxSends) return { ...(await findNewestSends(topics, limit, request)), times: undefined }
  const found = await querySends(store, window, { topics, buckets }, options)
  const all = excludeOuterSends(found, found).sort(comparePositions)
  const rest = before === undefined ? all : all.filter((send) => isFromPosition(before, send))
  // Sends at one position are on one page.
  const isTie = (index: number): boolean => {
    const [send, next] = [rest[index - 1], rest[index]]
    return send !== undefined && next !== undefined && comparePositions(send, next) === 0
  }
  let size = limit
  while (isTie(size)) size++
  const page = rest.slice(0, size)
  const spans = await traces.spansByIdentity(page.map((send) => ({ ...send, start: send.time })))
  return {
    sends: page.flatMap((send) => spans.get(toSpanKey(send)) ?? []),
    scannedUntil: rest.length > size ? page.at(-1) : undefined,
    times: all.map((send) => send.time),
  }
}

type Send = ListPosition & SpanIdentity & Pick<MessagingSpan, 'parentSpanId' | 'operation' | 'topic'>

function isFromPosition(position: StartPosition, send: Send): boolean {
  const order = comparePositions(position, send)
  return order < 0 || (order === 0 && position.isInclusive)
}

type SentRow = Omit<Send, 'time'>

/**
 * Excludes a `create` span when its trace has a `send` to the same topic, and a send that encloses
 * one of its service to the same topic: two instrumentations recorded one message. Unlike with
 * `isSameSend`, the inner send may have failed: a dead letter that was not sent is listed once too.
 *
 * @param all includes the sends of the same traces
 */
function excludeOuterSends<Sent extends SentRow>(sends: readonly Sent[], all: readonly SentRow[]): Sent[] {
  const allSent = all.filter((send) => send.operation === 'send')
  const sent = new Set(allSent.map((send) => send.traceId + send.topic))
  const outer = new Set(allSent.map((send) => toSendKey(send, send.parentSpanId)))
  return sends.filter((send) =>
    send.operation === 'send' ? !outer.has(toSendKey(send, send.spanId)) : !sent.has(send.traceId + send.topic),
  )
}

function toSendKey({ traceId, service, topic }: SentRow, spanId: string): string {
  return JSON.stringify([traceId, spanId, service, topic])
}

async function findNewestSends(
  topics: readonly string[],
  limit: number,
  { store, window, before, traces, options }: MessageListRequest,
): Promise<Pick<Sends, 'sends' | 'scannedUntil'>> {
  const condition = { sql: SEND_CONDITION, params: { topics }, inRollup: 'same' as const }
  const { spans, scannedUntil } = await findNewestMessagingSpans(store, window, condition, before, limit, options)
  // The enclosed send may be on an earlier page.
  const inTraces = await traces.spansOf(spans.map(({ traceId }) => traceId))
  return { sends: excludeOuterSends(spans, [...spans, ...inTraces]), scannedUntil }
}

const SEND_CONDITION = `messaging_operation in ('create', 'send') and topic in {topics:Array(String)}`

type MatchingTopics = {
  readonly topics: readonly string[]
  /** Ten-minute buckets of the sort key of `spans` that have sends. */
  readonly buckets: readonly number[]
  /** A span exported twice counts twice. */
  readonly count: number
}

/** Reads the rollup: topics are few, spans are many. */
async function findMatchingTopics(
  pattern: string,
  { store, window, options }: Pick<MessageListRequest, 'store' | 'window' | 'options'>,
): Promise<MatchingTopics> {
  const rows = await store.query<{ topic: string; buckets: readonly number[]; n: string }>(
    `select topic, groupUniqArray(intDiv(minute, 10)) as buckets, sum(spans) as n
    from traffic_minutes
    where minute >= {fromMinute:UInt32} and minute <= {toMinute:UInt32} and messaging_operation in ('create', 'send')
      and match(topic, {pattern:String})
    group by topic
    order by n desc
    limit ${MAX_TOPICS}`,
    {
      fromMinute: String(window.start / MINUTE_NANO),
      toMinute: String(window.end / MINUTE_NANO),
      pattern: `(?i)${pattern}`,
    },
    options,
  )
  return {
    topics: rows.map((row) => row.topic),
    buckets: [...new Set(rows.flatMap((row) => row.buckets))],
    count: rows.reduce((sum, row) => sum + Number(row.n), 0),
  }
}

/** Reads all sends of the window, without duplicates. */
async function querySends(
  store: Store,
  window: TimeWindow,
  { topics, buckets }: Pick<MatchingTopics, 'topics' | 'buckets'>,
  options: QueryOptions,
): Promise<Send[]> {
  const rows = await store.query<Omit<Send, 'time'> & { readonly start: string }>(
    `select start, lower(hex(trace_id)) as traceId, lower(hex(span_id)) as spanId,
      lower(hex(parent_span_id)) as parentSpanId, kind, service,
      messaging_operation as operation, topic
    from spans prewhere ${SEND_CONDITION}
    where ${inWindow} and ${bucket} in {buckets:Array(UInt64)}`,
    { ...toWindowParams(window), topics, buckets },
    options,
  )
  const sends = rows.map(({ start, ...row }) => ({ ...row, time: BigInt(start) }))
  return [...keyBySpan(sends).values()]
}
