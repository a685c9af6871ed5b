import type { QueryOptions, Store } from '../../store/store.ts'
import type { SpanRef } from '../linked-span.ts'
import { byIds, spanRefSet, traceIdSet } from '../messaging/id-parameters.ts'
import { deliveriesOf } from './deliveries.ts'
import { asked, type FoundMessages, type ListQuestion, MAX_LOOKED } from './list.ts'
import { keyOf, type MessageEnd, messageSpan, newestEnds } from './message-end.ts'

const DEFAULT_AFTER = 60_000_000_000n

/** `start + duration` is an Int64 in the engine. */
const MAX_INT64 = 2n ** 63n - 1n

/**
 * Messages that were sent and that no span of the group took, however late: old enough that one should have. Without a
 * topic, the group is only missed where it consumes at all.
 */
export async function unconsumed(question: ListQuestion): Promise<FoundMessages> {
  const { store, window, topic, group, after = DEFAULT_AFTER, before, options } = question
  // The creation context: a send that is a client only passes on what `create` spans or an outbox made.
  const isSent = `messaging_operation in ('create', 'send') and kind = 'producer' and status != 'error' and topic != ''
    and start + duration <= {sentBefore:Int64}`
  const old = window.end - after
  if (old < window.start) return { messages: [], lookedTo: undefined }
  const sentBefore = old < MAX_INT64 ? old : MAX_INT64
  const topics = group === undefined || topic !== undefined ? undefined : await topicsOf(store, group, options)
  const ofTopics = (sql: string): ReturnType<typeof asked> =>
    asked(topics === undefined ? sql : `${sql} and topic in {topics:Array(String)}`, { topic, group: undefined })
  const condition = ofTopics(isSent)
  const inRollup = ofTopics(`messaging_operation in ('create', 'send') and topic != ''`).sql
  const params = { ...condition.params, sentBefore: String(sentBefore), ...(topics && { topics }) }
  const { ends: sent, lookedTo } = await newestEnds(
    store,
    { start: window.start, end: after > 0n ? old + 1n : window.end },
    { sql: condition.sql, params, inRollup },
    before,
    MAX_LOOKED,
    options,
  )
  const consumed = new Set<string>()
  if (group === undefined) for (const key of await takenByAnyone(store, sent, options)) consumed.add(key)
  const open = sent.filter((end) => !consumed.has(keyOf(end)))
  for (const { producedRef, consumed: by } of await deliveriesOf(store, open, options)) {
    // A consumer that only its link knows may be of any group.
    if (group === undefined || by === undefined || by.group === group) consumed.add(keyOf(producedRef))
  }
  const messages = sent
    .filter((end) => !consumed.has(keyOf(end)))
    .map((end) => ({
      traceId: end.traceId,
      spanId: end.spanId,
      topic: end.topic,
      partition: end.partition,
      offset: end.offset,
      consumerGroup: group ?? '',
      timeUnixNano: String(end.start),
      waitNano: String(window.end - end.end),
      produced: messageSpan(end, undefined),
      attempts: [],
    }))
  return { messages, lookedTo }
}

/** Those that a span of kind consumer links to: who it is needs no look at the span. */
async function takenByAnyone(store: Store, sent: readonly MessageEnd[], options: QueryOptions): Promise<string[]> {
  if (sent.length === 0) return []
  const traces = traceIdSet(
    'traceIds',
    sent.map((end) => end.traceId),
  )
  const wanted = spanRefSet('refs', sent)
  const rows = await store.query<SpanRef>(
    `select lower(hex(trace_id)) as traceId, lower(hex(span_id)) as spanId
    from span_links
    where trace_id in (${traces.sql}) and direction = 'in' and kind = 'consumer' and (trace_id, span_id) in (${wanted.sql})
    limit 1 by trace_id, span_id
    ${byIds}`,
    { ...traces.params, ...wanted.params },
    options,
  )
  return rows.map(keyOf)
}

async function topicsOf(store: Store, group: string, options: QueryOptions): Promise<string[]> {
  const rows = await store.query<{ topic: string }>(
    `select distinct topic from traffic_minutes
    where consumer_group = {group:String} and messaging_operation in ('receive', 'process') and topic != ''
    limit 1000`,
    { group },
    options,
  )
  return rows.map((row) => row.topic)
}
