import type { TraceSkeleton } from '@spanlink/api-schema'
import { isTooHeavy } from '../../../clickhouse/store-error.ts'
import type { QueryOptions, Store } from '../../../clickhouse/store.ts'
import { findLogEvents } from '../../logs/log-events.ts'
import { fetchTraceHeads } from '../../trace-rows/fetch-trace-rows.ts'
import { identityHash, spanHead } from '../../trace-rows/head-sql.ts'
import { KINDS, type SpanHead, STATUSES } from '../../trace-rows/trace-row.ts'
import { findParents, isInside, PARENT_MISSING, ROOT } from '../span-parents.ts'
import { countBacklinks, queryBacklinkCounts } from './backlink-counts.ts'
import { orderSpans } from './order-spans.ts'

const MAX_SPANS = 200_000

/** Size of the rows in ClickHouse. 200,000 spans without events are 20 MB. */
const MAX_BYTES = 32 * 1024 * 1024

/**
 * Returns a trace without attributes, in columns; `undefined` when none of its spans is stored. The
 * earliest spans if there are more than `MAX_SPANS`.
 */
export async function findSkeleton(
  store: Store,
  traceId: string,
  options: QueryOptions,
): Promise<TraceSkeleton | undefined> {
  const logEventsRead = findLogEvents(store, traceId, options)
  // Without spans, a failure to read log events does not matter.
  logEventsRead.catch(() => {})
  const { spans, backlinks } = await fetchHeads(store, traceId, options)
  if (spans.length === 0) return undefined
  return toSkeleton(traceId, spans, backlinks, await logEventsRead)
}

type Heads = { readonly spans: readonly SpanHead[]; readonly backlinks: ReadonlyMap<string, number> }

async function fetchHeads(store: Store, traceId: string, options: QueryOptions): Promise<Heads> {
  const settings = `, max_result_bytes = ${MAX_BYTES}`
  try {
    const { spans, backlinks } = await fetchTraceHeads(store, { traceIds: [traceId], settings }, options)
    return { spans: orderSpans(spans), backlinks: countBacklinks(backlinks) }
  } catch (error) {
    if (!isTooHeavy(error)) throw error
  }
  const rest = `order by ${spanHead.start}, span_id limit 1 by span_id, ${identityHash} limit ${MAX_SPANS + 1}`
  const [{ spans }, backlinks] = await Promise.all([
    fetchTraceHeads(store, { traceIds: [traceId], type: 'span', rest, settings }, options),
    queryBacklinkCounts(store, { traceId, spanId: '' }, options),
  ])
  return { spans: orderSpans(spans), backlinks }
}

function toSkeleton(
  traceId: string,
  found: readonly SpanHead[],
  backlinks: Heads['backlinks'],
  logEvents: Awaited<ReturnType<typeof findLogEvents>>,
): TraceSkeleton {
  const spans = found.slice(0, MAX_SPANS)
  const first = spans[0]?.start ?? 0n
  const sinceFirst = (time: bigint): number => Number(BigInt.asIntN(64, time - first))
  const { indexes, parents } = indexSpans(spans)
  const services = numberTexts(spans, (span) => span.service)
  const names = numberTexts(spans, (span) => span.name)
  const linksOut: number[] = []
  const events: number[] = []
  for (const [index, { linkCount, eventTimes }] of spans.entries()) {
    if (linkCount > 0) linksOut.push(index, linkCount)
    for (const time of eventTimes) events.push(index, sinceFirst(time))
  }
  const linksIn: number[] = []
  for (const [spanId, count] of backlinks) {
    const index = indexes.get(spanId)
    if (index !== undefined) linksIn.push(index, count)
  }
  for (const [spanId, ofSpan] of logEvents) {
    const index = indexes.get(spanId)
    if (index !== undefined) for (const event of ofSpan) events.push(index, sinceFirst(BigInt(event.timeUnixNano)))
  }
  return {
    traceId,
    startTimeUnixNano: String(first),
    count: spans.length,
    spanIds: spans.map((span) => span.spanId).join(''),
    parent: encodeBase64(parents),
    services: services.texts,
    service: encodeBase64(services.numbers),
    names: names.texts,
    name: encodeBase64(names.numbers),
    kind: encodeBase64(Uint8Array.from(spans, (span) => KINDS.indexOf(span.kind))),
    status: encodeBase64(Uint8Array.from(spans, (span) => STATUSES.indexOf(span.status))),
    start: encodeBase64(Float64Array.from(spans, (span) => Number(span.start - first))),
    duration: encodeBase64(Float64Array.from(spans, (span) => Number(span.duration))),
    linksOut,
    linksIn,
    events,
    ...(found.length > MAX_SPANS ? { truncated: true as const } : {}),
  }
}

/**
 * Returns the index of each span id, of the innermost span where spans share it, and the index of
 * each span's parent.
 */
function indexSpans(spans: readonly SpanHead[]): {
  readonly indexes: ReadonlyMap<string, number>
  readonly parents: Int32Array
} {
  const indexes = new Map<string, number>()
  for (const [index, span] of spans.entries()) {
    const known = spans[indexes.get(span.spanId) ?? -1]
    if (known === undefined || isInside(span, known)) indexes.set(span.spanId, index)
  }
  const isShared = indexes.size < spans.length
  const findParent = ({ parentSpanId }: SpanHead): number =>
    parentSpanId === '' ? ROOT : (indexes.get(parentSpanId) ?? PARENT_MISSING)
  return { indexes, parents: isShared ? findParents(spans) : Int32Array.from(spans, findParent) }
}

/** Returns the distinct texts, and the number of each span's text among them. */
function numberTexts(
  spans: readonly SpanHead[],
  read: (span: SpanHead) => string,
): { readonly texts: string[]; readonly numbers: Int32Array } {
  const numberByText = new Map<string, number>()
  const numbers = Int32Array.from(spans, (span) => {
    const text = read(span)
    const number = numberByText.get(text) ?? numberByText.size
    numberByText.set(text, number)
    return number
  })
  return { texts: [...numberByText.keys()], numbers }
}

function encodeBase64({ buffer, byteOffset, byteLength }: NodeJS.TypedArray): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64')
}
