import type { QueryOptions, Store } from '../../../clickhouse/store.ts'
import { toRefKey, toSpanKey, type SpanIdentity, type SpanRef } from '../../links/span-ref.ts'
import { createBucketSet, BY_IDS_SETTINGS, createSpanRefSet, createRefSets } from '../../sql/id-parameters.ts'
import { bucket, filterByTraces } from '../../sql/span-bucket.ts'
import { MINUTE_NANO } from '../../sql/time-window.ts'
import { spanIdentity } from '../../traces/span-parents.ts'
/** The store, and the options of every query of a request. */
export type StoreAccess = { readonly store: Store; readonly options: QueryOptions }

/** A span reference. `start` is exact; `before` is an upper bound, usually within a minute. */
export type TimedRef = SpanRef & { readonly start?: bigint; readonly before?: bigint }

export function keyBySpan<Span extends SpanIdentity>(spans: Iterable<Span>): Map<string, Span> {
  return new Map(Array.from(spans, (span) => [toSpanKey(span), span]))
}

/**
 * Finds spans by id, in any trace and at any time, keyed by `toRefKey`: all that share the id. Each
 * column is a separate read per span.
 *
 * @param wanted SQL of the columns; includes `traceId` and `spanId`
 */
export async function findSpansByRef<Row extends SpanRef>(
  access: StoreAccess,
  refs: readonly TimedRef[],
  wanted: string,
): Promise<Map<string, Row[]>> {
  const found = Map.groupBy(await querySpansInBuckets<Row>(access, refs, wanted), toRefKey)
  const others = refs.filter((ref) => ref.start === undefined && !found.has(toRefKey(ref)))
  return new Map([...found, ...Map.groupBy(await findSpansInTraces<Row>(access, others, wanted), toRefKey)])
}

const BUCKET = 600_000_000_000n

/**
 * Reads by the sort key's bucket, derived from the start: needs no lookup of the trace's location.
 */
async function querySpansInBuckets<Row>(
  { store, options }: StoreAccess,
  refs: readonly TimedRef[],
  wanted: string,
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

/** Finds spans without times: looks up the traces' locations. */
async function findSpansInTraces<Row>(
  { store, options }: StoreAccess,
  refs: readonly SpanRef[],
  wanted: string,
): Promise<Row[]> {
  if (refs.length === 0) return []
  const sets = createRefSets(refs)
  return await store.query<Row>(
    `select ${wanted}
    from spans
    where ${filterByTraces(sets.traceIds)} and (trace_id, span_id) in (${sets.spans})
    limit 1 by trace_id, ${spanIdentity}
    ${BY_IDS_SETTINGS}`,
    sets.params,
    options,
  )
}
