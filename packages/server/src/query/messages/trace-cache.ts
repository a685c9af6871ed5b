import type { FlowSpanRow } from '../flows/flow-span.ts'
import { loadSpans } from '../flows/load/load-spans.ts'
import { toRefKey, toSpanKey, type SpanRef } from '../links/span-ref.ts'
import type { SpanLookup } from './deliveries/find-deliveries.ts'
import { selectConsumingChildren } from './messaging-spans/messaging-span.ts'
import {
  findConsumingChildren,
  findMessagingSpans,
  findSpansByIdentity,
  keyBySpan,
  type StoreAccess,
} from './messaging-spans/find-messaging-spans.ts'

/**
 * Whole traces read by one request, each read once: chains of messages return to the same traces.
 */
export type TraceCache = SpanLookup & {
  /** Spans of these traces; a subset when there are too many. */
  readonly spansOf: (spans: readonly { readonly traceId: string }[]) => Promise<readonly FlowSpanRow[]>
}

/** Cached spans; above this, the cache is cleared. */
const MAX_KEPT = 100_000

export function createTraceCache({ store, options }: StoreAccess): TraceCache {
  const access = { store, options }
  const byTrace = new Map<string, Promise<TraceSpans>>()
  let kept = 0
  const read = async (spans: readonly { readonly traceId: string }[]): Promise<TraceSpans> => {
    const wanted = [...new Set(spans.map(({ traceId }) => traceId))]
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
    const traces = await Promise.all(wanted.map((id) => byTrace.get(id) ?? { rows: [], isTruncated: false }))
    return { rows: traces.flatMap(({ rows }) => rows), isTruncated: traces.some(({ isTruncated }) => isTruncated) }
  }
  /** Reads the spans with these ids. */
  const readSharers = async (refs: readonly SpanRef[]): Promise<TraceSpans> => {
    const { rows, isTruncated } = await read(refs)
    const wanted = new Set(refs.map(toRefKey))
    return { rows: rows.filter((row) => wanted.has(toRefKey(row))), isTruncated }
  }
  return {
    ...access,
    spansOf: async (spans) => (await read(spans)).rows,
    spansByRef: async (refs) => {
      const { rows, isTruncated } = await readSharers(refs)
      const found = Map.groupBy(rows, toRefKey)
      const missing = isTruncated ? refs.filter((ref) => !found.has(toRefKey(ref))) : []
      return new Map([...found, ...(await findMessagingSpans(access, missing))])
    },
    spansByIdentity: async (spans) => {
      const { rows, isTruncated } = await readSharers(spans)
      const found = keyBySpan(rows)
      const missing = isTruncated ? spans.filter((span) => !found.has(toSpanKey(span))) : []
      return new Map([...found, ...(await findSpansByIdentity(access, missing))])
    },
    consumingChildren: async (parents) => {
      const { rows, isTruncated } = await read(parents)
      return isTruncated ? await findConsumingChildren(access, parents) : selectConsumingChildren(parents, rows)
    },
  }
}

type TraceSpans = { readonly rows: readonly FlowSpanRow[]; readonly isTruncated: boolean }
