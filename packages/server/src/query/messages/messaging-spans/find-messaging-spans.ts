import type { QueryOptions, Store } from '../../../clickhouse/store.ts'
import { toRefKey, toSpanKey, type SpanIdentity, type SpanRef } from '../../links/span-ref.ts'
import { createBucketSet, BY_IDS_SETTINGS, createSpanRefSet, createRefSets } from '../../sql/id-parameters.ts'
import { bucket, filterByTraces as inTraces } from '../../sql/span-bucket.ts'
import { spanIdentity } from '../../traces/span-parents.ts'
import {
  selectConsumingChildren,
  messagingSpanColumns,
  type MessagingSpanRow,
  isConsuming,
  type MessagingSpan,
  toMessagingSpan,
} from './messaging-span.ts'
import { MINUTE_NANO } from '../../sql/time-window.ts'

/** A span reference. `start` is exact; `before` is an upper bound, usually within a minute. */
export type TimedRef = SpanRef & { readonly start?: bigint; readonly before?: bigint }

/**
 * Finds spans by id, in any trace and at any time, keyed by `toRefKey`: all that share the id.
 * Missing spans are omitted.
 */
export async function findMessagingSpans(
  store: Store,
  refs: readonly TimedRef[],
  options: QueryOptions,
): Promise<Map<string, MessagingSpan[]>> {
  const found = await findSpansByRef<MessagingSpanRow>(store, refs, messagingSpanColumns, options)
  return new Map(Array.from(found, ([key, rows]) => [key, rows.map(toMessagingSpan)]))
}

export function keyBySpan<Span extends SpanIdentity>(spans: Iterable<Span>): Map<string, Span> {
  return new Map(Array.from(spans, (span) => [toSpanKey(span), span]))
}

/**
 * Like `findMessagingSpans`, with selected columns: each column is a separate read per span.
 *
 * @param wanted SQL of the columns; includes `traceId` and `spanId`
 */
export async function findSpansByRef<Row extends SpanRef>(
  store: Store,
  refs: readonly TimedRef[],
  wanted: string,
  options: QueryOptions,
): Promise<Map<string, Row[]>> {
  const found = Map.groupBy(await querySpansInBuckets<Row>(store, refs, wanted, options), toRefKey)
  const others = refs.filter((ref) => ref.start === undefined && !found.has(toRefKey(ref)))
  const further = await querySpansInTraces<Row>(store, others, '(trace_id, span_id)', wanted, options)
  return new Map([...found, ...Map.groupBy(further, toRefKey)])
}

const BUCKET = 600_000_000_000n

/**
 * Reads by the sort key's bucket, derived from the start: needs no lookup of the trace's location.
 */
async function querySpansInBuckets<Row>(
  store: Store,
  refs: readonly TimedRef[],
  wanted: string,
  options: QueryOptions,
): Promise<Row[]> {
  const buckets = refs.flatMap(({ traceId, start, before }) => {
    if (start !== undefined) return [{ traceId, bucket: start / BUCKET }]
    if (before === undefined) return []
    const last = before / BUCKET
    // A longer wait falls back to a lookup of the trace.
    const isEarly = before % BUCKET < MINUTE_NANO && last > 0n
    return (isEarly ? [last, last - 1n] : [last]).map((each) => ({ traceId, bucket: each }))
  })
  if (buckets.length === 0) return []
  const bucketSet = createBucketSet('buckets', buckets)
  const set = createSpanRefSet(
    'refs',
    refs.filter((ref) => ref.start !== undefined || ref.before !== undefined),
  )
  return await store.query<Row>(
    `select ${wanted}
    from spans
    where (${bucket}, trace_id) in (${bucketSet.sql}) and (trace_id, span_id) in (${set.sql})
    limit 1 by trace_id, ${spanIdentity}
    ${BY_IDS_SETTINGS}`,
    { ...bucketSet.params, ...set.params },
    options,
  )
}

/**
 * Finds consumers whose parent is one of these spans (parent mode). Consumers that share a
 * producer's id count as its children.
 */
export async function findConsumingChildren(
  store: Store,
  parents: readonly Pick<MessagingSpan, 'traceId' | 'spanId' | 'operation'>[],
  options: QueryOptions,
): Promise<MessagingSpan[]> {
  const producers = parents.filter((parent) => !isConsuming(parent))
  const [children, sharing] = await Promise.all([
    querySpansInTraces<MessagingSpanRow>(store, parents, '(trace_id, parent_span_id)', messagingSpanColumns, options),
    querySpansInTraces<MessagingSpanRow>(
      store,
      producers,
      '(trace_id, span_id)',
      messagingSpanColumns,
      options,
      CONSUMING,
    ),
  ])
  return selectConsumingChildren(parents, [...children, ...sharing]).map(toMessagingSpan)
}

/** Finds spans that produce and whose parent is one of these spans. */
export async function findProducingChildren(
  store: Store,
  parents: readonly SpanRef[],
  options: QueryOptions,
): Promise<MessagingSpan[]> {
  const condition = `messaging_operation in ('create', 'send')`
  const key = '(trace_id, parent_span_id)'
  const rows = await querySpansInTraces<MessagingSpanRow>(store, parents, key, messagingSpanColumns, options, condition)
  return rows.map(toMessagingSpan)
}

const CONSUMING = `messaging_operation in ('receive', 'process')`

async function querySpansInTraces<Row>(
  store: Store,
  refs: readonly SpanRef[],
  key: '(trace_id, span_id)' | '(trace_id, parent_span_id)',
  wanted: string,
  options: QueryOptions,
  condition = 'true',
): Promise<Row[]> {
  if (refs.length === 0) return []
  const sets = createRefSets(refs)
  return await store.query<Row>(
    `select ${wanted}
    from spans
    where ${inTraces(sets.traceIds)} and ${key} in (${sets.spans}) and ${condition}
    limit 1 by trace_id, ${spanIdentity}
    ${BY_IDS_SETTINGS}`,
    sets.params,
    options,
  )
}
