import type { SpanRef } from '../../links/span-ref.ts'
import { fetchInHalves, RESULT_SETTINGS } from '../../trace-rows/fetch-in-halves.ts'
import { fetchDecodedRows, type TraceRows, type TraceRowsRequest } from '../../trace-rows/fetch-trace-rows.ts'
import { createMessageDecoders, type DetailedSpan } from './decode-rows.ts'
import type { StoreAccess } from './find-messaging-spans.ts'
import type { SpanIndex } from './span-index.ts'
import type { FoundLink } from './stored-span.ts'

/** A second thread pays off above some dozens of traces. */
export const TWO_THREADS = ', max_threads = 2'

/** Limit of rows per statement. */
export const MAX_ROWS = 100_000

/**
 * Loads the spans with these ids, the links to them, and the spans below them that may be about
 * messages.
 */
export async function loadRefs(access: StoreAccess, index: SpanIndex, refs: readonly SpanRef[]): Promise<void> {
  const load = async (some: readonly SpanRef[], settings: string): Promise<void> => {
    const request = { ...toIds(some), withChildren: true, rest: `limit ${MAX_ROWS}`, settings: TWO_THREADS + settings }
    addRows(index, await fetchRows(access, request))
  }
  await fetchInHalves(
    refs,
    (some) => load(some, RESULT_SETTINGS),
    (one) => load([one], ''),
  )
}

/**
 * Loads whole traces: their spans and the links to them.
 *
 * @returns the ids of traces with more rows than the limit
 */
export async function loadTraces(
  access: StoreAccess,
  index: SpanIndex,
  traceIds: readonly string[],
  maxTraceRows: number,
): Promise<ReadonlySet<string>> {
  const cut = new Set<string>()
  let left = MAX_ROWS
  const load = async (some: readonly string[], settings: string): Promise<void> => {
    const rest = `limit ${maxTraceRows + 1} by trace_id limit ${Math.max(left, 0) + 1}`
    const rows = await fetchRows(access, { traceIds: some, rest, settings })
    const counts = new Map<string, number>()
    for (const { producerRef } of rows.backlinks) countRow(counts, producerRef.traceId)
    for (const { span } of rows.spans) countRow(counts, span.traceId)
    left -= rows.spans.length + rows.backlinks.length
    for (const id of some) if (left < 0 || (counts.get(id) ?? 0) > maxTraceRows) cut.add(id)
    addRows(index, rows)
  }
  await fetchInHalves(
    traceIds,
    (some) => load(some, RESULT_SETTINGS),
    (one) => load([one], ''),
  )
  return cut
}

function countRow(counts: Map<string, number>, traceId: string): void {
  counts.set(traceId, (counts.get(traceId) ?? 0) + 1)
}

async function fetchRows(
  { store, options }: StoreAccess,
  request: TraceRowsRequest,
): Promise<TraceRows<DetailedSpan, FoundLink>> {
  return await fetchDecodedRows(store, request, createMessageDecoders(), options)
}

function addRows(index: SpanIndex, { spans, backlinks }: TraceRows<DetailedSpan, FoundLink>): void {
  for (const { span, details } of spans) index.addSpan(span, details)
  for (const link of backlinks) index.addLink(link)
}

export function toIds(refs: readonly SpanRef[]): { readonly traceIds: string[]; readonly spanIds: string[] } {
  return {
    traceIds: [...new Set(refs.map(({ traceId }) => traceId))],
    spanIds: [...new Set(refs.map(({ spanId }) => spanId))],
  }
}
