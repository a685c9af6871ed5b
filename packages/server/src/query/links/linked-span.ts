import type { LinkedSpan, MessagingOperation, RecordMetadata } from '@spanlink/api-schema'
import { producingOperations } from '../../clickhouse/insert/messaging/semconv.ts'
import { isTooHeavy } from '../../clickhouse/store-error.ts'
import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import { fetchTraceRows } from '../trace-rows/fetch-trace-rows.ts'
import { readMessaging } from '../trace-rows/span-messaging.ts'
import type { SpanHead, SpanRow } from '../trace-rows/trace-row.ts'
import { isInside } from '../traces/span-parents.ts'
import { toRefKey, toSpanKey, type SpanRef } from './span-ref.ts'

/** Stored for a link that names no trace or span, and as the parent of a root. */
export const NO_TRACE = '0'.repeat(32)
export const NO_SPAN = '0'.repeat(16)

export function toLinkedSpan(
  span: Pick<SpanHead, 'service' | 'name' | 'kind' | 'status' | 'start' | 'duration'>,
): LinkedSpan {
  const { service, name, kind, status, start, duration } = span
  const end = String(BigInt.asUintN(64, start + duration))
  return { service, name, kind, status, startTimeUnixNano: String(start), endTimeUnixNano: end }
}

/** A span at one end of a link, and the record that its attributes name. */
export type LinkEnd = {
  readonly span: LinkedSpan
  readonly operation: MessagingOperation
  readonly record: RecordMetadata
}

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
    await addLinkEnds(found, store, unique.slice(from, from + REFS_PER_QUERY), options)
  }
  return found
}

const REFS_PER_QUERY = 3_000

/** Spans have megabytes of attributes at most: too many for one result are fetched in halves. */
async function addLinkEnds(
  found: Map<string, LinkEnd>,
  store: Store,
  refs: readonly SpanRef[],
  options: QueryOptions,
): Promise<void> {
  const traceIds = [...new Set(refs.map((ref) => ref.traceId))]
  const spanIds = [...new Set(refs.map((ref) => ref.spanId))]
  const settings = refs.length === 1 ? '' : `, max_result_bytes = ${MAX_RESULT_BYTES}`
  try {
    const { spans } = await fetchTraceRows(store, { traceIds, type: 'span', spanIds, settings }, options)
    for (const [key, end] of toLinkEnds(spans)) found.set(key, end)
  } catch (error) {
    if (refs.length === 1 || !isTooHeavy(error)) throw error
    const half = refs.length >> 1
    await addLinkEnds(found, store, refs.slice(0, half), options)
    await addLinkEnds(found, store, refs.slice(half), options)
  }
}

const MAX_RESULT_BYTES = 16 * 1024 * 1024

/** Keyed like the result of `findLinkedSpans`. */
export function toLinkEnds(spans: readonly SpanRow[]): ReadonlyMap<string, LinkEnd> {
  const ends = new Map<string, LinkEnd>()
  for (const span of removeDuplicates(spans)) addLinkEnd(ends, span, toLinkEnd(span))
  return ends
}

/** Keeps one of the rows of a span that was sent again. */
function removeDuplicates(spans: readonly SpanRow[]): Iterable<SpanRow> {
  return new Map(spans.map((span) => [toSpanKey(span), span])).values()
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

function toLinkEnd(row: SpanRow): LinkEnd {
  const { operation, cluster, topic, partition, offset, key } = readMessaging(row)
  return { span: toLinkedSpan(row), operation, record: { cluster, topic, partition, offset, key } }
}

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

export function toInterval(span: Pick<LinkedSpan, 'startTimeUnixNano' | 'endTimeUnixNano'>): Interval {
  return { start: BigInt(span.startTimeUnixNano), end: BigInt(span.endTimeUnixNano) }
}
