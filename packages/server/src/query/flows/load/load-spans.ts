import type { QueryOptions, Store } from '../../../clickhouse/store.ts'
import { KINDS } from '../../trace-rows/trace-row.ts'
import type { FlowSpanRow } from '../flow-span.ts'
import type { FlowSpanWithLinks } from './decode-rows.ts'
import { fetchFlowRows, MAX_TRACE_SPANS } from './fetch-flow-rows.ts'

/** Limit of spans per flow. */
export const MAX_SPANS = 100_000

/** Loads the spans of these traces. A span that was sent twice may be returned twice. */
export async function loadSpans(
  store: Store,
  traceIds: readonly string[],
  options: QueryOptions,
): Promise<{ readonly rows: readonly FlowSpanRow[]; readonly isTruncated: boolean }> {
  const { spans } = await fetchFlowRows(store, { traceIds, type: 'span', maxSpans: MAX_SPANS }, options)
  const { traces, isTruncated } = limitSpans(spans, MAX_SPANS)
  return { rows: [...traces.values()].flat(), isTruncated }
}

export type LimitedSpans = {
  /** By trace, sorted by start. */
  readonly traces: ReadonlyMap<string, readonly FlowSpanRow[]>
  readonly isTruncated: boolean
}

/** Keeps the earliest spans of each trace, and of the first traces. */
export function limitSpans(spans: readonly FlowSpanWithLinks[], maxSpans: number): LimitedSpans {
  const traces = new Map<string, FlowSpanRow[]>()
  for (const { span } of spans) {
    const known = traces.get(span.traceId)
    if (known === undefined) traces.set(span.traceId, [span])
    else known.push(span)
  }
  let left = maxSpans
  let isTruncated = false
  for (const rows of traces.values()) {
    rows.sort(compareSpans)
    const kept = Math.min(left, MAX_TRACE_SPANS)
    isTruncated ||= rows.length > kept
    if (rows.length > kept) rows.length = kept
    left -= rows.length
  }
  return { traces, isTruncated }
}

function compareSpans(a: FlowSpanRow, b: FlowSpanRow): number {
  if (a.start !== b.start) return a.start < b.start ? -1 : 1
  if (a.spanId !== b.spanId) return a.spanId < b.spanId ? -1 : 1
  if (a.kind !== b.kind) return KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind)
  return a.service < b.service ? -1 : a.service > b.service ? 1 : 0
}
