import type { LinkedSpan, MessagingOperation, RecordMetadata } from '@spanlink/api-schema'
import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import { recordColumns, toRecordMetadata, type RecordRow } from '../records/record-metadata.ts'
import { producingOperations } from '../../clickhouse/insert/messaging/semconv.ts'
import type { SqlPart } from '../sql/id-parameters.ts'
import { FEW_GRANULES_SETTINGS, filterByTraces, selectTraceIds } from '../sql/span-bucket.ts'
import { isInside, spanIdentity } from '../traces/span-parents.ts'
import { toRefKey, toSpanKey, type SpanRef } from './span-ref.ts'
import { createIdList, filterByBuckets, findBuckets, findTraceBuckets, withinBuckets } from '../sql/trace-buckets.ts'

/** Stored for a link that names no trace or span, and as the parent of a root. */
export const NO_TRACE = '0'.repeat(32)
export const NO_SPAN = '0'.repeat(16)

export type LinkedSpanRow = Pick<LinkedSpan, 'service' | 'name' | 'kind' | 'status'> & {
  readonly start: string
  readonly finish: string
}

/** Columns of a `LinkedSpanRow`, in `spans` as in `span_links`. `end` is an SQL keyword. */
export const linkedSpanColumns = 'service, name, kind, status, start, toUInt64(start + duration) as finish'

export function toLinkedSpan(row: LinkedSpanRow): LinkedSpan {
  const { service, name, kind, status } = row
  return { service, name, kind, status, startTimeUnixNano: row.start, endTimeUnixNano: row.finish }
}

/** A span at one end of a link, and the record that its attributes name. */
export type LinkEnd = {
  readonly span: LinkedSpan
  readonly operation: MessagingOperation
  readonly record: RecordMetadata
}

type EndRow = LinkedSpanRow & RecordRow & { readonly operation: MessagingOperation }

const endColumns = `${linkedSpanColumns}, messaging_operation as operation, ${recordColumns}`

/**
 * Looks up spans of any traces at once, keyed by `toRefKey`; each of those that share an id also by
 * `toSpanKey`. Spans that aren't stored are absent.
 */
export async function findLinkedSpans(
  store: Store,
  refs: Iterable<SpanRef>,
  options: QueryOptions,
): Promise<ReadonlyMap<string, LinkEnd>> {
  const unique = [...new Map(Array.from(refs, (ref) => [toRefKey(ref), ref])).values()]
  const found = new Map<string, LinkEnd>()
  for (let from = 0; from < unique.length; from += REFS_PER_QUERY) {
    const some = unique.slice(from, from + REFS_PER_QUERY)
    const condition = await createCondition(store, some, options)
    if (condition === undefined) continue
    const rows = await store.query<SpanRef & EndRow>(
      `select lower(hex(trace_id)) as traceId, lower(hex(span_id)) as spanId, ${endColumns}
      from spans
      where ${condition.sql}
      limit 1 by trace_id, ${spanIdentity}
      ${some.length <= MAX_INLINE_REFS ? FEW_GRANULES_SETTINGS : ''}`,
      condition.params,
      options,
    )
    for (const row of rows) addLinkEnd(found, row, toLinkEnd(row))
  }
  return found
}

/**
 * Fetches spans of one trace before it is known which are needed, keyed like `findLinkedSpans`.
 * Returns at most `MAX_TRACE_SPANS`; `whole` is true if these are all.
 *
 * @param spanId '' for any
 */
export async function findTraceSpans(
  store: Store,
  { traceId, spanId }: SpanRef,
  options: QueryOptions,
): Promise<{ readonly spans: ReadonlyMap<string, LinkEnd>; readonly whole: boolean }> {
  const buckets = await findTraceBuckets(store, traceId, options)
  if (buckets === undefined) return { spans: new Map(), whole: true }
  const rows = await store.query<{ spanId: string } & EndRow>(
    `select lower(hex(span_id)) as spanId, ${endColumns}
    from spans
    where trace_id = unhex({traceId:String}) and ${withinBuckets} and ({spanId:String} = '' or span_id = unhex({spanId:String}))
    limit 1 by ${spanIdentity}
    limit ${MAX_TRACE_SPANS}
    ${FEW_GRANULES_SETTINGS}`,
    { traceId, spanId, ...buckets },
    options,
  )
  const spans = new Map<string, LinkEnd>()
  for (const row of rows) addLinkEnd(spans, { traceId, spanId: row.spanId }, toLinkEnd(row))
  return { spans, whole: rows.length < MAX_TRACE_SPANS }
}

/**
 * A link names only a span id. If spans share it, keeps the one that sent a message, else the
 * innermost, to which children of the id belong.
 */
function addLinkEnd(found: Map<string, LinkEnd>, ref: SpanRef, end: LinkEnd): void {
  const key = toRefKey(ref)
  const known = found.get(key)
  if (known !== undefined) for (const each of [known, end]) found.set(toSpanKey({ ...ref, ...each.span }), each)
  const [isSend, isKnownSend] = [end, known].map((one) => producingOperations.has(one?.operation ?? ''))
  const isMeant = known === undefined || (isSend === isKnownSend ? isInside(end.span, known.span) : isSend)
  if (isMeant) found.set(key, end)
}

function toLinkEnd(row: EndRow): LinkEnd {
  return { span: toLinkedSpan(row), operation: row.operation, record: toRecordMetadata(row) }
}

/** In larger traces, the spans that are known to be needed are fewer. */
const MAX_TRACE_SPANS = 256

/** `undefined` when none of their traces is stored. */
async function createCondition(
  store: Store,
  refs: readonly SpanRef[],
  options: QueryOptions,
): Promise<SqlPart | undefined> {
  const traceIds = [...new Set(refs.map((ref) => ref.traceId))]
  const spanIds = refs.map((ref) => ref.spanId)
  if (refs.length <= MAX_INLINE_REFS) {
    const buckets = await findBuckets(store, traceIds, options)
    if (buckets.size === 0) return undefined
    const traces = filterByBuckets(buckets)
    const spans = createIdList('s', spanIds)
    if (traces !== undefined) {
      return { sql: `${traces.sql} and span_id in (${spans.sql})`, params: { ...traces.params, ...spans.params } }
    }
  }
  return {
    sql: `${filterByTraces(selectTraceIds('traceIds'))}
      and span_id in (select toFixedString(unhex(arrayJoin({spanIds:Array(String)})), 8))`,
    params: { traceIds, spanIds },
  }
}

const MAX_INLINE_REFS = 16

// ClickHouse takes 128 KiB a parameter (`http_max_field_value_size`), and a trace id is 35 bytes
// with quotes and comma.
const REFS_PER_QUERY = 3_000

export type Interval = { readonly start: bigint; readonly end: bigint }

export type ConsumedSpan = {
  readonly start: bigint
  readonly end?: bigint
  /** `receive`: the span may start to wait before there is a message. */
  readonly operation?: string | undefined
}

/**
 * Computes how long a message waited, in nanoseconds: from the end of its send, or from its start
 * when the consumer started before the acknowledgement arrived. Zero for a receive that was already
 * waiting. Otherwise negative only when the consumer started before the send, which needs clocks
 * that differ.
 */
export function computeQueueTime(sent: Interval, consumed: ConsumedSpan): bigint {
  const { start, end = sent.start, operation } = consumed
  if (operation === 'receive' && start < sent.start && end >= sent.start) return 0n
  const sentEnd = sent.end > sent.start ? sent.end : sent.start
  return start - (sentEnd <= start ? sentEnd : sent.start)
}

/** The same as decimal text; `null` if the producing span is not stored. */
export function computeLinkQueueTime(
  sent: LinkedSpan | null | undefined,
  consumed: Pick<LinkedSpan, 'startTimeUnixNano' | 'endTimeUnixNano'>,
  operation: string | undefined,
): string | null {
  if (!sent) return null
  return String(computeQueueTime(toInterval(sent), { ...toInterval(consumed), operation }))
}

/** Restores the end time from which the duration was computed, modulo 2^64. */
export function getEnd({ start, duration }: { readonly start: string; readonly duration: string }): string {
  return String(BigInt.asUintN(64, BigInt(start) + BigInt(duration)))
}

export function toInterval(span: Pick<LinkedSpan, 'startTimeUnixNano' | 'endTimeUnixNano'>): Interval {
  return { start: BigInt(span.startTimeUnixNano), end: BigInt(span.endTimeUnixNano) }
}
