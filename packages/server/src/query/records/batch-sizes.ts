import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import type { SpanIdentity } from '../links/span-ref.ts'
import { MINUTE_NANO } from '../sql/time-window.ts'

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
