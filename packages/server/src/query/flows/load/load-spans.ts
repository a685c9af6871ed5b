import { KINDS } from '../../trace-rows/trace-row.ts'
import type { FlowSpanRow } from '../flow-span.ts'
import type { FlowSpanWithLinks } from './decode-rows.ts'
import { MAX_TRACE_SPANS } from './fetch-flow-rows.ts'

/** Limit of spans per flow. */
export const MAX_SPANS = 100_000

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
