import { toRefKey, type SpanIdentity, type SpanRef } from '../../links/span-ref.ts'
import { createIdList, createNumberList } from '../../sql/id-parameters.ts'
import { bucket, BUCKET_NANO, bucketOf } from '../../sql/span-bucket.ts'
import { MINUTE_NANO } from '../../sql/time-window.ts'
import { fetchTraceHeads } from '../../trace-rows/fetch-trace-rows.ts'
import { isMessagingKind } from '../../trace-rows/span-messaging.ts'
import { toOtherSpan } from './decode-rows.ts'
import type { StoreAccess, TimedRef } from './find-messaging-spans.ts'
import { MAX_ROWS, toIds, TWO_THREADS } from './load-spans.ts'
import { readSpanColumns, spanColumns } from './span-columns.ts'
import type { SpanIndex } from './span-index.ts'

/**
 * Reading the narrow columns of a bucket of `spans` costs as much CPU as this number of lookups of
 * traces, at 10M spans an hour: 5 ms.
 */
const REFS_PER_BUCKET = 20

/**
 * Loads the same as `loadRefs`, for hundreds of refs, in half the time: only heads of
 * `trace_rows`, which have the times of all spans to read from `spans`.
 *
 * @returns refs that are left, as their spans are scattered over time
 */
export async function loadManyRefs(
  access: StoreAccess,
  index: SpanIndex,
  refs: readonly SpanRef[],
): Promise<readonly SpanRef[]> {
  const { store, options } = access
  const request = { ...toIds(refs), withChildren: true, rest: `limit ${MAX_ROWS}`, settings: TWO_THREADS }
  const { spans, backlinks } = await fetchTraceHeads(store, request, options)
  const wanted: Wanted[] = []
  for (const head of spans) {
    const ref = toRefKey(head)
    // Other kinds have no messaging columns, so that the head has all but links.
    if (isMessagingKind(head.kind) || head.linkCount > 0) {
      wanted.push({ ...head, ofRefs: [ref, head.traceId + head.parentSpanId] })
    } else index.addSpan(toOtherSpan(head))
  }
  for (const { linkingTraceId, linkingSpanId, ...link } of backlinks) {
    wanted.push({ ...link, traceId: linkingTraceId, spanId: linkingSpanId, ofRefs: [toRefKey(link)] })
  }
  await loadByStart(access, index, wanted)
  const open = new Set(wanted.filter((span) => index.findSpan(span) === undefined).flatMap(({ ofRefs }) => ofRefs))
  return refs.filter((ref) => open.has(toRefKey(ref)))
}

type TimedSpan = SpanIdentity & { readonly start: bigint }
/** `ofRefs`: keys of the refs that need the span. */
type Wanted = TimedSpan & { readonly ofRefs: readonly string[] }

/** Loads spans from the buckets that have enough of them. */
async function loadByStart(
  { store, options }: StoreAccess,
  index: SpanIndex,
  spans: readonly TimedSpan[],
): Promise<void> {
  const unknown = spans.filter((span) => index.findSpan(span) === undefined)
  const byBucket = Map.groupBy(unknown, ({ start }) => start / BUCKET_NANO)
  const full = [...byBucket].filter(([, some]) => some.length >= REFS_PER_BUCKET)
  if (full.length === 0) return
  const starts = createNumberList('s', new Set(full.flatMap(([, some]) => some.map(({ start }) => start))))
  const result = await store.queryBytes(
    `select ${spanColumns}
    from spans prewhere start in (${starts.sql})
    where ${bucket} in {buckets:Array(UInt64)}
    settings max_threads = 2, enable_analyzer = 0`,
    { ...starts.params, buckets: full.map(([at]) => Number(at)) },
    options,
  )
  // Other spans may start at the same time.
  for (const span of readSpanColumns(result)) index.addSpan(span)
}

/**
 * Loads those of these spans that produce and started within a minute before `before`, as most
 * messages are sent then. Reads nothing if the times are scattered.
 */
export async function loadSentBefore(
  { store, options }: StoreAccess,
  index: SpanIndex,
  refs: readonly TimedRef[],
): Promise<void> {
  const times = refs.flatMap(({ before }) => (before === undefined ? [] : [before]))
  const [end, oldest] = times.reduce(
    ([max, min], at) => [at > max ? at : max, at < min ? at : min],
    [0n, times[0] ?? 0n],
  )
  const start = oldest > MINUTE_NANO ? oldest - MINUTE_NANO : 0n
  const buckets = Number(end / BUCKET_NANO - start / BUCKET_NANO) + 1
  if (refs.length < buckets * REFS_PER_BUCKET) return
  const { traceIds, spanIds } = toIds(refs)
  const [traces, spans] = [createIdList('t', traceIds), createIdList('s', spanIds, 8)]
  const result = await store.queryBytes(
    `select ${spanColumns}
    from spans prewhere messaging_operation in ('create', 'send') and start >= {start:UInt64} and start <= {end:UInt64}
    where ${bucket} between ${bucketOf('{start:UInt64}')} and ${bucketOf('{end:UInt64}')}
      and trace_id in (${traces.sql}) and span_id in (${spans.sql})
    settings max_threads = 2, enable_analyzer = 0`,
    { ...traces.params, ...spans.params, start: String(start), end: String(end) },
    options,
  )
  for (const span of readSpanColumns(result)) index.addSpan(span)
}
