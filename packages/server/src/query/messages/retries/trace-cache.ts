import type { QueryOptions, Store } from '../../../clickhouse/store.ts'
import type { FlowSpanRow } from '../../flows/flow-span.ts'
import { loadSpans } from '../../flows/load/load-spans.ts'
import { childrenOf, keyOf, type MessageEnd } from '../endpoints/message-endpoint.ts'
import { consumingChildren, endsByRef, type TimedRef } from '../endpoints/find-endpoints.ts'
import { bySide, type Side } from '../endpoints/shared-ids.ts'

/**
 * Traces that a question has read, whole, each once: what a chain of messages comes back to again
 * and again.
 */
export type TracesRead = {
  /** Their spans; of those that are too many, some. */
  readonly spansOf: (traceIds: Iterable<string>) => Promise<readonly FlowSpanRow[]>
  /** Like the functions of these names, by reading the traces they are in. */
  readonly endsByRef: (refs: readonly TimedRef[], side: Side) => Promise<Map<string, MessageEnd>>
  readonly consumingChildren: (parents: readonly MessageEnd[]) => Promise<MessageEnd[]>
}

/** Spans; with more, they are read again. */
const MAX_KEPT = 100_000

export function tracesRead(store: Store, options: QueryOptions): TracesRead {
  const byTrace = new Map<string, Promise<TraceSpans>>()
  let kept = 0
  const read = async (traceIds: Iterable<string>): Promise<TraceSpans[]> => {
    const wanted = [...new Set(traceIds)]
    if (kept > MAX_KEPT) {
      byTrace.clear()
      kept = 0
    }
    const missing = wanted.filter((id) => !byTrace.has(id))
    const loading = loadSpans(store, missing, options).then(({ rows, cut }) => {
      kept += rows.length
      const found = Map.groupBy(rows, (row) => row.traceId)
      return (id: string): TraceSpans => ({ rows: found.get(id) ?? [], cut })
    })
    for (const id of missing) {
      byTrace.set(
        id,
        loading.then((spansOf) => spansOf(id)),
      )
    }
    return await Promise.all(wanted.map((id) => byTrace.get(id) ?? { rows: [], cut: false }))
  }
  return {
    spansOf: async (traceIds) => (await read(traceIds)).flatMap(({ rows }) => rows),
    endsByRef: async (refs, side) => {
      const traces = await read(refs.map((ref) => ref.traceId))
      const wanted = new Set(refs.map(keyOf))
      const rows = traces.flatMap((trace) => trace.rows.filter((row) => wanted.has(keyOf(row))))
      const found = new Map(Array.from(bySide(rows, side), ([key, row]) => [key, endOf(row)]))
      const cut = traces.some((trace) => trace.cut) ? refs.filter((ref) => !found.has(keyOf(ref))) : []
      for (const [key, end] of await endsByRef(store, cut, side, options)) found.set(key, end)
      return found
    },
    consumingChildren: async (parents) => {
      const traces = await read(parents.map((parent) => parent.traceId))
      if (traces.some((trace) => trace.cut)) return await consumingChildren(store, parents, options)
      return childrenOf(
        parents,
        traces.flatMap((trace) => trace.rows),
      ).map(endOf)
    },
  }
}

type TraceSpans = { readonly rows: readonly FlowSpanRow[]; readonly cut: boolean }

export function endOf({ consumerGroup, ...row }: FlowSpanRow): MessageEnd {
  return { ...row, group: consumerGroup }
}
