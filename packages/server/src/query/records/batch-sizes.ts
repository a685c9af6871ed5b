import { batchCountName } from '../../clickhouse/insert/messaging/semconv.ts'
import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import { toSpanKey, type SpanIdentity } from '../links/span-ref.ts'
import { MINUTE_NANO } from '../sql/time-window.ts'
import { fetchTraceRows } from '../trace-rows/fetch-trace-rows.ts'
import { readMessaging } from '../trace-rows/span-messaging.ts'

/** Finds message counts of the batch spans among these, by `toSpanKey`. */
async function findBatchSizes(
  store: Store,
  spans: readonly SpanIdentity[],
  options: QueryOptions,
): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>()
  for (let from = 0; from < spans.length; from += SPANS_AT_ONCE) {
    const some = spans.slice(from, from + SPANS_AT_ONCE)
    const wanted = new Set(some.map(toSpanKey))
    const rows = await fetchTraceRows(
      store,
      {
        traceIds: [...new Set(some.map(({ traceId }) => traceId))],
        spanIds: [...new Set(some.map(({ spanId }) => spanId))],
        type: 'span',
        // Few spans have the attribute; another text of their shape may contain its name.
        rest: `and position(shape, '${batchCountName}') > 0`,
      },
      options,
    )
    for (const span of rows.spans) {
      const { batchCount } = readMessaging(span)
      const key = toSpanKey(span)
      if (batchCount !== '' && wanted.has(key)) sizes.set(key, Number(batchCount))
    }
  }
  return sizes
}

const SPANS_AT_ONCE = 500

/**
 * Like `findBatchSizes`, for send spans with a topic. Reads spans only of topics that the rollup
 * knows batches of, as most have one message per span.
 */
export async function findSendSizes(
  store: Store,
  sent: readonly SentSpan[],
  options: QueryOptions,
): Promise<ReadonlyMap<string, number>> {
  const topics = await findBatchTopics(store, sent, options)
  return await findBatchSizes(
    store,
    sent.filter(({ topic }) => topics.has(topic)),
    options,
  )
}

type SentSpan = SpanIdentity & { readonly topic: string; readonly start: bigint }

/** Finds topics of these send spans that have batches then, by the rollup. */
export async function findBatchTopics(
  store: Store,
  sent: readonly SentSpan[],
  options: QueryOptions,
): Promise<ReadonlySet<string>> {
  if (sent.length === 0) return new Set()
  const [first, last] = sent.reduce(
    ([min, max], { start }) => [start < min ? start : min, start > max ? start : max],
    [sent[0]?.start ?? 0n, 0n],
  )
  const rows = await store.query<{ readonly topic: string }>(
    `select distinct topic from traffic_minutes
    where minute >= {fromMinute:UInt32} and minute <= {toMinute:UInt32} and topic in {topics:Array(String)}
      and messaging_operation in ('create', 'send') and messages > spans
    settings enable_analyzer = 0, max_threads = 1`,
    {
      fromMinute: String(first / MINUTE_NANO),
      toMinute: String(last / MINUTE_NANO),
      topics: [...new Set(sent.map(({ topic }) => topic))],
    },
    options,
  )
  return new Set(rows.map(({ topic }) => topic))
}
