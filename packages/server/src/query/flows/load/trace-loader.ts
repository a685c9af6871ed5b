import type { QueryOptions, Store } from '../../../clickhouse/store.ts'
import { toLinkKey } from '../flow-span.ts'
import { loadLinks } from './load-links.ts'
import { loadSpans, MAX_SPANS } from './load-spans.ts'
import { divideTrace, type DividedTrace } from './lane-sections.ts'

export type TraceLoader = {
  /** Returns a trace per id, in this order, stored or not. */
  readonly load: (traceIds: readonly string[]) => Promise<readonly DividedTrace[]>
  /** Whether row limits cut off links or spans: the same in each request. */
  readonly truncated: () => { readonly fanOut: boolean; readonly spans: boolean }
}

/** Loads each trace with its links once. */
export function createTraceLoader(store: Store, options: QueryOptions): TraceLoader {
  const known = new Map<string, DividedTrace>()
  const truncated = { fanOut: false, spans: false }
  let spanCount = 0
  return {
    load: async (traceIds) => {
      const missing = traceIds.filter((traceId) => !known.has(traceId))
      if (missing.length > 0) {
        const [links, spans] = await Promise.all([
          loadLinks(store, missing, options),
          loadSpans(store, missing, options, Math.max(MAX_SPANS - spanCount, 0)),
        ])
        spanCount += spans.rows.length
        truncated.fanOut ||= links.isTruncated
        truncated.spans ||= spans.isTruncated
        const rowsOf = Map.groupBy(spans.rows, ({ traceId }) => traceId)
        // A link within one trace is found from both ends.
        const distinct = [...new Map(links.links.map((link) => [toLinkKey(link), link])).values()]
        const byCarrier = Map.groupBy(distinct, ({ linkingSpan }) => linkingSpan.traceId)
        const byTarget = Map.groupBy(distinct, ({ target }) => target.traceId)
        for (const traceId of missing) {
          const incoming = byTarget.get(traceId)?.filter(({ linkingSpan }) => linkingSpan.traceId !== traceId) ?? []
          known.set(
            traceId,
            divideTrace(traceId, rowsOf.get(traceId) ?? [], [...(byCarrier.get(traceId) ?? []), ...incoming]),
          )
        }
      }
      return traceIds.flatMap((traceId) => known.get(traceId) ?? [])
    },
    truncated: () => truncated,
  }
}
