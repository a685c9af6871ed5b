import { toSpanKey, type SpanIdentity } from '../../links/span-ref.ts'
import { inWindow, toWindowParams } from '../../sql/time-window.ts'
import { type MessageListRequest, toConsumerId } from '../message-list.ts'
import type { MessagingSpan } from '../messaging-spans/messaging-span.ts'
import type { MessagingSpanCondition } from '../messaging-spans/newest-messaging-spans.ts'

/**
 * Finds consuming spans of the window at the offsets of these, several per consumer and offset.
 */
export async function findAtSameOffset(
  { store, window, lookup, options }: MessageListRequest,
  condition: MessagingSpanCondition,
  consumers: readonly MessagingSpan[],
): Promise<MessagingSpan[][]> {
  const numbered = consumers.filter((span) => span.offset !== '' && span.partition !== '')
  if (numbered.length === 0) return []
  // Filters by offset first, a narrow column; the grouping then compares the whole message.
  const offsets = [...new Set(numbered.map((span) => span.offset))]
  const topics = [...new Set(numbered.map((span) => span.topic))]
  const known = new Set(numbered.map(toConsumedOffsetKey))
  const consuming = `${inWindow} and ${condition.sql} and message_offset >= 0 and partition != ''`
  // A group may have several services, such as an old and a new version.
  const message = `cluster, topic, partition, message_offset, consumer_group, if(consumer_group = '', service, '')`
  const isTwice = (operation: string): string =>
    `uniqExactIf((trace_id, span_id, kind, service), messaging_operation = '${operation}') > 1`
  const rows = await store.query<SameOffsetRow>(
    `select topic, partition, message_offset as offset, consumer_group as group,
      groupUniqArray(100)((lower(hex(trace_id)), lower(hex(span_id)), toString(kind), service)) as spans
    from spans
    where ${consuming} and message_offset in (select toInt64(arrayJoin({offsets:Array(String)}))) and topic in {topics:Array(String)}
    group by ${message}
    having ${isTwice('receive')} or ${isTwice('process')}`,
    { ...toWindowParams(window), ...condition.params, offsets, topics },
    options,
  )
  const groups = rows.flatMap(({ spans, ...record }) => {
    const refs = spans.map(([traceId, spanId, kind, service]) => ({ traceId, spanId, kind, service }))
    const [first] = refs
    return first !== undefined && known.has(toConsumedOffsetKey({ ...record, service: first.service })) ? [refs] : []
  })
  const found = await lookup.spansByIdentity(groups.flat())
  return groups.map((group) => group.flatMap((span) => found.get(toSpanKey(span)) ?? []))
}

type SameOffsetRow = Pick<MessagingSpan, 'topic' | 'partition' | 'offset' | 'group'> & {
  readonly spans: readonly (readonly [traceId: string, spanId: string, kind: SpanIdentity['kind'], service: string])[]
}

function toConsumedOffsetKey(span: Omit<SameOffsetRow, 'spans'> & Pick<MessagingSpan, 'service'>): string {
  return JSON.stringify([span.topic, span.partition, span.offset, toConsumerId(span)])
}

/**
 * Splits spans at one offset by their creation contexts: different contexts are different
 * records, such as those of two environments or of a topic that was created again. Spans without a
 * context join the group if there is only one, else none.
 */
export function splitByContext(
  spans: readonly MessagingSpan[],
  contextsOf: (span: MessagingSpan) => ReadonlySet<string>,
): MessagingSpan[][] {
  const groups: { readonly contexts: Set<string>; readonly spans: MessagingSpan[] }[] = []
  for (const span of spans) {
    const contexts = [...contextsOf(span)]
    if (contexts.length === 0) continue
    const same = groups.find((group) => contexts.some((context) => group.contexts.has(context)))
    if (same === undefined) groups.push({ contexts: new Set(contexts), spans: [span] })
    else {
      for (const context of contexts) same.contexts.add(context)
      same.spans.push(span)
    }
  }
  const unknown = spans.filter((span) => contextsOf(span).size === 0)
  if (groups.length === 0) return [unknown]
  return groups.map((group) => (groups.length === 1 ? [...group.spans, ...unknown] : group.spans))
}
