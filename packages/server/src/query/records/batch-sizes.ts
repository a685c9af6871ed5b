import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import { toSpanKey, type SpanIdentity } from '../links/span-ref.ts'
import { BY_IDS_SETTINGS, createRefSets } from '../sql/id-parameters.ts'
import { filterByTraces } from '../sql/span-bucket.ts'
import { messagingBatchCount } from './messaging-sql.ts'
import { MINUTE_NANO } from '../sql/time-window.ts'

/** Finds message counts of the batch spans among these, by `toSpanKey`. */
export async function findBatchSizes(
  store: Store,
  spans: readonly SpanIdentity[],
  options: QueryOptions,
): Promise<ReadonlyMap<string, number>> {
  if (spans.length === 0) return new Map()
  const sets = createRefSets(spans)
  const rows = await store.query<SpanIdentity & { readonly size: string }>(
    `select lower(hex(trace_id)) as traceId, lower(hex(span_id)) as spanId, kind, service, ${messagingBatchCount} as size
    from spans
    where ${filterByTraces(sets.traceIds)} and (trace_id, span_id) in (${sets.spans})
      and ${messagingBatchCount} != ''
    ${BY_IDS_SETTINGS}`,
    sets.params,
    options,
  )
  return new Map(rows.map((row) => [toSpanKey(row), Number(row.size)]))
}

/**
 * Like `findBatchSizes`, for send spans with a topic. Reads spans only of topics that the rollup
 * knows batches of, as most have one message per span.
 */
export async function findSendSizes(
  store: Store,
  sent: readonly (SpanIdentity & { readonly topic: string; readonly start: bigint })[],
  options: QueryOptions,
): Promise<ReadonlyMap<string, number>> {
  if (sent.length === 0) return new Map()
  const [first, last] = sent.reduce(
    ([min, max], { start }) => [start < min ? start : min, start > max ? start : max],
    [sent[0]?.start ?? 0n, 0n],
  )
  const rows = await store.query<{ readonly topic: string }>(
    `select distinct topic from traffic_minutes
    where minute >= {fromMinute:UInt32} and minute <= {toMinute:UInt32} and topic in {topics:Array(String)}
      and messaging_operation in ('create', 'send') and messages > spans`,
    {
      fromMinute: String(first / MINUTE_NANO),
      toMinute: String(last / MINUTE_NANO),
      topics: [...new Set(sent.map(({ topic }) => topic))],
    },
    options,
  )
  const topics = new Set(rows.map(({ topic }) => topic))
  return await findBatchSizes(
    store,
    sent.filter(({ topic }) => topics.has(topic)),
    options,
  )
}
