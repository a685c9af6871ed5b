import type { QueryOptions, Store } from '../../../clickhouse/store.ts'
import { fetchFlowRows } from './fetch-flow-rows.ts'
import { type CarriedLinks, joinLinks } from './join-links.ts'
import { RefMap } from '../ref-map.ts'
import { divideTrace, type DividedTrace } from './lane-sections.ts'
import { limitSpans, MAX_SPANS } from './load-spans.ts'

export type TraceLoader = {
  /** Returns a trace per id, in this order, stored or not. */
  readonly load: (traceIds: readonly string[]) => Promise<readonly DividedTrace[]>
  /** Whether row limits cut off links or spans: the same in each request. */
  readonly truncated: () => { readonly fanOut: boolean; readonly spans: boolean }
}

/** Loads each trace with its links once. */
export function createTraceLoader(store: Store, options: QueryOptions): TraceLoader {
  const known = new Map<string, DividedTrace>()
  const carried: CarriedLinks = new RefMap()
  const truncated = { fanOut: false, spans: false }
  let maxSpans = MAX_SPANS
  return {
    load: async (traceIds) => {
      const missing = traceIds.filter((traceId) => !known.has(traceId))
      if (missing.length > 0) {
        const rows = await fetchFlowRows(store, { traceIds: missing, maxSpans }, options)
        const spans = limitSpans(rows.spans, maxSpans)
        const links = joinLinks(missing, rows, carried)
        truncated.fanOut ||= links.isTruncated
        truncated.spans ||= spans.isTruncated
        for (const traceId of missing) {
          const ofTrace = spans.traces.get(traceId) ?? []
          maxSpans -= ofTrace.length
          known.set(traceId, divideTrace(traceId, ofTrace, links.traces.get(traceId) ?? []))
        }
      }
      return traceIds.flatMap((traceId) => known.get(traceId) ?? [])
    },
    truncated: () => truncated,
  }
}
