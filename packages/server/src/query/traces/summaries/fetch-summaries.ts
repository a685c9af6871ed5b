import type { TraceSummary } from '@spanlink/api-schema'
import { isTooHeavy } from '../../../clickhouse/store-error.ts'
import type { QueryOptions, Store } from '../../../clickhouse/store.ts'
import type { BacklinkHead } from '../../trace-rows/backlink-row.ts'
import { fetchTraceHeads } from '../../trace-rows/fetch-trace-rows.ts'
import { summarizeLargeTrace } from './large-trace.ts'
import { summarize, type SummarizedSpan, toSpanGroup } from './summarize.ts'

/**
 * Fetches summaries of traces by id, in one statement if they are not large. Duplicates of a span
 * count once.
 */
export async function fetchSummaries(
  store: Store,
  traceIds: readonly string[],
  options: QueryOptions,
): Promise<ReadonlyMap<string, TraceSummary>> {
  if (traceIds.length === 0) return new Map()
  const settings = `, max_result_bytes = ${MAX_RESULT_BYTES}`
  try {
    const { spans, backlinks } = await fetchTraceHeads(store, { traceIds, settings }, options)
    const linksOf = Map.groupBy(backlinks, (link) => link.traceId)
    return new Map(
      Array.from(
        Map.groupBy(spans, (span) => span.traceId),
        ([traceId, spans]) => [traceId, summarizeSpans(traceId, spans, linksOf.get(traceId) ?? [])],
      ),
    )
  } catch (error) {
    if (!isTooHeavy(error)) throw error
  }
  const [first = ''] = traceIds
  if (traceIds.length === 1) {
    const summary = await summarizeLargeTrace(store, first, options)
    return new Map(summary === undefined ? [] : [[first, summary]])
  }
  // One half after the other, to find the large traces in bounded memory.
  const half = traceIds.length >> 1
  return new Map([
    ...(await fetchSummaries(store, traceIds.slice(0, half), options)),
    ...(await fetchSummaries(store, traceIds.slice(half), options)),
  ])
}

const MAX_RESULT_BYTES = 16 * 1024 * 1024

/**
 * Summarizes a whole trace. Of a span that was sent again, the one with the earliest start counts,
 * as in the trace itself; links may be there twice.
 */
export function summarizeSpans(
  traceId: string,
  spans: readonly SummarizedSpan[],
  backlinks: readonly BacklinkHead[],
): TraceSummary {
  const earliest = new Map<string, SummarizedSpan>()
  for (const span of spans) {
    const key = `${span.spanId} ${span.kind} ${span.service}`
    const known = earliest.get(key)
    if (known === undefined || span.start < known.start) earliest.set(key, span)
  }
  const isWithin = new Map(
    backlinks.map((link) => [
      `${link.spanId} ${link.linkingTraceId}${link.linkingSpanId} ${link.ordinal} ${link.kind} ${link.service}`,
      link.linkingTraceId === traceId,
    ]),
  )
  const linksWithin = [...isWithin.values()].filter(Boolean).length
  return summarize(traceId, Array.from(earliest.values(), toSpanGroup), {
    linksIn: isWithin.size - linksWithin,
    linksWithin,
  })
}
