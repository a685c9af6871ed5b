import { inWindow, MINUTE_NANO, toWindowParams } from '../../sql/time-window.ts'
import { bucket, BUCKET_NANO } from '../../sql/span-bucket.ts'
import type { ListStep, MessageListRequest } from '../message-list.ts'
import { toSpanKey, type SpanIdentity } from '../../links/span-ref.ts'
import { keyBySpan } from '../messaging-spans/find-messaging-spans.ts'
import {
  comparePositions,
  identityColumns,
  isOnPage,
  type ListPosition,
  type MessagingSpan,
} from '../messaging-spans/messaging-span.ts'
import { createSpanScan, type ScannedSpans } from '../messaging-spans/newest-messaging-spans.ts'

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
 * buckets with sends, so rare sends read only those buckets. Ignores the request's topic
 * and group: only the chains of the sends lead to those.
 *
 * @param pattern RE2, case-insensitive
 * @param maxSends maximum number of sends in the window for which `times` is returned
 * @returns a reader of steps; `until` is the last position that is needed
 */
export function createSendsReader(
  request: MessageListRequest,
  pattern: string,
  maxSends: number,
): (step: ListStep, until?: Promise<ListPosition | undefined>) => Promise<Sends> {
  const { lookup } = request
  const start = async () => {
    const { topics, buckets, count } = await findMatchingTopics(pattern, request)
    const condition = { sql: SEND_CONDITION, params: { topics }, inRollup: 'same' } as const
    if (count > maxSends) return { scan: createSpanScan(request, condition) }
    const found = topics.length === 0 ? [] : await querySends(topics, buckets, request)
    return { all: excludeOuterSends(found, found).sort(comparePositions) }
  }
  let started: ReturnType<typeof start> | undefined
  return async (step, until) => {
    started ??= start()
    const { all, scan } = await started
    if (all === undefined) {
      const { spans, scannedUntil } = await scan({ ...step, maxSpans: step.maxChains })
      lookup.add(spans)
      const needed = selectUntil(
        spans.map((span) => ({ ...span, time: span.start })),
        await until,
      )
      // The enclosed send may be on an earlier page.
      const inTraces = await lookup.spansOf(needed)
      return { sends: excludeOuterSends(needed, [...spans, ...inTraces]), scannedUntil, times: undefined }
    }
    const rest = all.filter((send) => isOnPage(step.before, send))
    const last = rest[step.maxChains - 1]
    // Sends at one position are on one page.
    const page = last === undefined ? rest : rest.filter((send) => comparePositions(send, last) <= 0)
    const needed = selectUntil(page, await until)
    const spans = await lookup.spansByIdentity(needed)
    return {
      sends: needed.flatMap((send) => spans.get(toSpanKey(send)) ?? []),
      scannedUntil: rest.length > page.length ? page.at(-1) : undefined,
      times: all.map((send) => send.time),
    }
  }
}

function selectUntil<Sent extends ListPosition>(sends: readonly Sent[], until: ListPosition | undefined): Sent[] {
  return sends.filter((send) => until === undefined || comparePositions(send, until) <= 0)
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

const SEND_CONDITION = `messaging_operation in ('create', 'send') and topic in {topics:Array(String)}`

/** Reads the rollup: topics are few, spans are many. A span exported twice counts twice. */
async function findMatchingTopics(pattern: string, { store, window, options }: MessageListRequest) {
  const rows = await store.query<{ topic: string; buckets: readonly number[]; n: string }>(
    `select topic, groupUniqArray(intDiv(minute, ${BUCKET_NANO / MINUTE_NANO})) as buckets, sum(spans) as n
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
