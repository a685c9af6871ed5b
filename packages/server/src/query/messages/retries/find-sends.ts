import { inWindow, MINUTE_NANO, toWindowParams } from '../../sql/time-window.ts'
import { bucket } from '../../sql/span-bucket.ts'
import { comparePositions, type MessageListRequest } from '../message-list.ts'
import { toSpanKey, type SpanIdentity } from '../../links/span-ref.ts'
import { keyBySpan } from '../messaging-spans/find-messaging-spans.ts'
import { identityColumns, type MessagingSpan, type ListPosition } from '../messaging-spans/messaging-span.ts'
import { findNewestMessagingSpans, type ScannedSpans } from '../messaging-spans/newest-messaging-spans.ts'

const MAX_TOPICS = 2_000

export type Sends = Pick<ScannedSpans, 'scannedUntil'> & {
  /** Newest first, after the request's position. */
  readonly sends: readonly MessagingSpan[]
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
  const { before, traces } = request
  const { topics, buckets, count } = await findMatchingTopics(pattern, request)
  if (topics.length === 0) return { sends: [], scannedUntil: undefined, times: [] }
  if (count > maxSends) return { ...(await findNewestSends(topics, limit, request)), times: undefined }
  const found = await querySends(topics, buckets, request)
  const all = excludeOuterSends(found, found).sort(comparePositions)
  const rest = all.filter((send) => {
    const order = before === undefined ? -1 : comparePositions(before, send)
    return order < 0 || (order === 0 && before?.isInclusive)
  })
  const last = rest[limit - 1]
  // Sends at one position are on one page.
  const page = last === undefined ? rest : rest.filter((send) => comparePositions(send, last) <= 0)
  const spans = await traces.spansByIdentity(page.map((send) => ({ ...send, start: send.time })))
  return {
    sends: page.flatMap((send) => spans.get(toSpanKey(send)) ?? []),
    scannedUntil: rest.length > page.length ? page.at(-1) : undefined,
    times: all.map((send) => send.time),
  }
}

type SentRow = SpanIdentity & Pick<MessagingSpan, 'parentSpanId' | 'operation' | 'topic'>
type Send = ListPosition & SentRow

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
  request: MessageListRequest,
): Promise<Pick<Sends, 'sends' | 'scannedUntil'>> {
  const condition = { sql: SEND_CONDITION, params: { topics }, inRollup: 'same' as const }
  const { spans, scannedUntil } = await findNewestMessagingSpans(request, condition, limit)
  // The enclosed send may be on an earlier page.
  const inTraces = await request.traces.spansOf(spans)
  return { sends: excludeOuterSends(spans, [...spans, ...inTraces]), scannedUntil }
}

const SEND_CONDITION = `messaging_operation in ('create', 'send') and topic in {topics:Array(String)}`

/** Reads the rollup: topics are few, spans are many. A span exported twice counts twice. */
async function findMatchingTopics(pattern: string, { store, window, options }: MessageListRequest) {
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
  topics: readonly string[],
  buckets: readonly number[],
  { store, window, options }: MessageListRequest,
): Promise<Send[]> {
  const rows = await store.query<SentRow & { readonly start: string }>(
    `select start, ${identityColumns}, lower(hex(parent_span_id)) as parentSpanId,
      messaging_operation as operation, topic
    from spans prewhere ${SEND_CONDITION}
    where ${inWindow} and ${bucket} in {buckets:Array(UInt64)}`,
    { ...toWindowParams(window), topics, buckets },
    options,
  )
  const sends = rows.map(({ start, ...row }) => ({ ...row, time: BigInt(start) }))
  return [...keyBySpan(sends).values()]
}
