import { consumingOperations, producingOperations } from '../../../clickhouse/insert/messaging/semconv.ts'
import type { QueryOptions, Store } from '../../../clickhouse/store.ts'
import {
  computeQueueTime,
  findLinkedSpans,
  type LinkEnd,
  NO_SPAN,
  NO_TRACE,
  toInterval,
  toLinkEnds,
} from '../../links/linked-span.ts'
import { type SpanRef, toRefKey } from '../../links/span-ref.ts'
import type { SpanMessaging } from '../../trace-rows/span-messaging.ts'
import type { SpanRow } from '../../trace-rows/trace-row.ts'

export type TraceSpans = {
  readonly spans: readonly { readonly row: SpanRow; readonly messaging: SpanMessaging }[]
  /** These are all spans of the trace. */
  readonly isWhole: boolean
}

/**
 * Finds the spans that links of a trace's spans point to, and the parents of its consumers, keyed
 * like `findLinkedSpans`. Looks up only those that are not among the spans of the trace.
 */
export async function findTraceEnds(
  store: Store,
  traceId: string,
  { spans, isWhole }: TraceSpans,
  options: QueryOptions,
): Promise<ReadonlyMap<string, LinkEnd>> {
  const refs = new Map<string, SpanRef>()
  const add = (ref: SpanRef): unknown =>
    ref.traceId !== NO_TRACE && ref.spanId !== NO_SPAN && refs.set(toRefKey(ref), ref)
  for (const { row, messaging } of spans) {
    row.links.forEach(add)
    if (!consumingOperations.has(messaging.operation)) continue
    add(row)
    if (row.parentSpanId !== '') add({ traceId, spanId: row.parentSpanId })
  }
  if (refs.size === 0) return new Map()
  const own = spans.flatMap(({ row }) => (refs.has(toRefKey(row)) ? [row] : []))
  const ends = new Map(toLinkEnds(own))
  const missing = [...refs].flatMap(([key, ref]) =>
    ends.has(key) || (isWhole && ref.traceId === traceId) ? [] : [ref],
  )
  if (missing.length > 0) for (const [key, end] of await findLinkedSpans(store, missing, options)) ends.set(key, end)
  return ends
}

/** Queue time of a message whose consumer is a child of its producer. */
export function computeParentQueueTime(
  { traceId, spanId, parentSpanId, start }: SpanRow,
  { operation }: SpanMessaging,
  ends: ReadonlyMap<string, LinkEnd>,
): string | undefined {
  if (!consumingOperations.has(operation)) return undefined
  // A consumer may share its producer's id; the id then refers to the producer.
  const sent = [spanId, parentSpanId]
    .map((id) => ends.get(toRefKey({ traceId, spanId: id })))
    .find((end) => end !== undefined && producingOperations.has(end.operation))
  return sent && String(computeQueueTime(toInterval(sent.span), { start, operation }))
}
