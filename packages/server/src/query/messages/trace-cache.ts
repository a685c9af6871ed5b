import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import type { FlowSpanRow } from '../flows/flow-span.ts'
import { loadSpans } from '../flows/load/load-spans.ts'
import { toRefKey, toSpanKey, type SpanIdentity, type SpanRef } from '../links/span-ref.ts'
import { selectConsumingChildren, type MessagingSpan } from './messaging-spans/messaging-span.ts'
import {
  findConsumingChildren,
  findMessagingSpans,
  keyBySpan,
  type TimedRef,
} from './messaging-spans/find-messaging-spans.ts'

/**
 * Whole traces read by one request, each read once: chains of messages return to the same traces.
 */
export type TraceCache = {
  /** Spans of these traces; a subset when there are too many. */
  readonly spansOf: (traceIds: Iterable<string>) => Promise<readonly FlowSpanRow[]>
  /** Like `findMessagingSpans` and `findConsumingChildren`, but reads whole traces. */
  readonly spansByRef: (refs: readonly TimedRef[]) => Promise<Map<string, MessagingSpan[]>>
  /** By `toSpanKey`. */
  readonly spansByIdentity: (spans: readonly (SpanIdentity & TimedRef)[]) => Promise<Map<string, MessagingSpan>>
  readonly consumingChildren: (parents: readonly MessagingSpan[]) => Promise<MessagingSpan[]>
}

/** Cached spans; above this, the cache is cleared. */
const MAX_KEPT = 100_000

export function createTraceCache(store: Store, options: QueryOptions): TraceCache {
  const byTrace = new Map<string, Promise<TraceSpans>>()
  let kept = 0
  const read = async (traceIds: Iterable<string>): Promise<TraceSpans[]> => {
    const wanted = [...new Set(traceIds)]
    if (kept > MAX_KEPT) {
      byTrace.clear()
      kept = 0
    }
    const missing = wanted.filter((id) => !byTrace.has(id))
    const loading = loadSpans(store, missing, options).then(({ rows, isTruncated }) => {
      kept += rows.length
      const found = Map.groupBy(rows, (row) => row.traceId)
      return (id: string): TraceSpans => ({ rows: found.get(id) ?? [], isTruncated })
    })
    for (const id of missing) {
      byTrace.set(
        id,
        loading.then((spansOf) => spansOf(id)),
      )
    }
    return await Promise.all(wanted.map((id) => byTrace.get(id) ?? { rows: [], isTruncated: false }))
  }
  /** Reads the spans with these ids. */
  const readSharers = async (refs: readonly SpanRef[]): Promise<TraceSpans> => {
    const traces = await read(refs.map((ref) => ref.traceId))
    const wanted = new Set(refs.map(toRefKey))
    return {
      rows: traces.flatMap((trace) => trace.rows.filter((row) => wanted.has(toRefKey(row)))),
      isTruncated: traces.some((trace) => trace.isTruncated),
    }
  }
  return {
    spansOf: async (traceIds) => (await read(traceIds)).flatMap(({ rows }) => rows),
    spansByRef: async (refs) => {
      const { rows, isTruncated } = await readSharers(refs)
      const found = Map.groupBy(rows, toRefKey)
      const missing = isTruncated ? refs.filter((ref) => !found.has(toRefKey(ref))) : []
      return new Map([...found, ...(await findMessagingSpans(store, missing, options))])
    },
    spansByIdentity: async (spans) => {
      const { rows, isTruncated } = await readSharers(spans)
      const found = keyBySpan(rows)
      const missing = isTruncated ? spans.filter((span) => !found.has(toSpanKey(span))) : []
      return new Map([...found, ...keyBySpan([...(await findMessagingSpans(store, missing, options)).values()].flat())])
    },
    consumingChildren: async (parents) => {
      const traces = await read(parents.map((parent) => parent.traceId))
      if (traces.some((trace) => trace.isTruncated)) return await findConsumingChildren(store, parents, options)
      return selectConsumingChildren(
        parents,
        traces.flatMap((trace) => trace.rows),
      )
    },
  }
}

type TraceSpans = { readonly rows: readonly FlowSpanRow[]; readonly isTruncated: boolean }
