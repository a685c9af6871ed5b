import type { TraceSummary } from '@spanlink/api-schema'
import type { SpanHead } from '../../trace-rows/trace-row.ts'

/** A span, or all spans of a trace with one service. */
export type SpanGroup = {
  readonly service: string
  readonly spans: number
  readonly errors: number
  /** Outgoing links. */
  readonly links: number
  readonly first: FirstSpan
  /** The first one without a parent. */
  readonly root: FirstSpan | undefined
  readonly lastEnd: bigint
}

type FirstSpan = Pick<SpanHead, 'start' | 'spanId' | 'name'>

export type LinkCounts = {
  /** Links from other traces. */
  readonly linksIn: number
  /** Links between spans of the trace. */
  readonly linksWithin: number
}

/** What a summary needs of a span. */
export type SummarizedSpan = Omit<SpanHead, 'eventTimes'>

export function toSpanGroup(span: SummarizedSpan): SpanGroup {
  const { start, service } = span
  const end = BigInt.asUintN(64, start + span.duration)
  return {
    service,
    spans: 1,
    errors: span.status === 'error' ? 1 : 0,
    links: span.linkCount,
    first: span,
    root: span.parentSpanId === '' ? span : undefined,
    lastEnd: end > start ? end : start,
  }
}

/** @param groups at least one */
export function summarize(
  traceId: string,
  groups: readonly SpanGroup[],
  { linksIn, linksWithin }: LinkCounts,
): TraceSummary {
  const services = new Map<string, { name: string; spanCount: number; errorCount: number }>()
  const counts = { spanCount: 0, errorCount: 0, links: 0 }
  let [first, root, lastEnd] = [groups[0], undefined as SpanGroup | undefined, 0n]
  for (const group of groups) {
    const service = services.get(group.service) ?? { name: group.service, spanCount: 0, errorCount: 0 }
    for (const count of [service, counts]) {
      count.spanCount += group.spans
      count.errorCount += group.errors
    }
    services.set(group.service, service)
    counts.links += group.links
    if (isBefore(group.first, first?.first)) first = group
    if (group.root !== undefined && isBefore(group.root, root?.root)) root = group
    if (group.lastEnd > lastEnd) lastEnd = group.lastEnd
  }
  const start = first?.first.start ?? 0n
  return {
    traceId,
    rootService: (root ?? first)?.service ?? '',
    rootName: (root?.root ?? first?.first)?.name ?? '',
    rootMissing: root === undefined,
    startTimeUnixNano: String(start),
    durationNano: String(lastEnd - start),
    spanCount: counts.spanCount,
    errorCount: counts.errorCount,
    services: [...services.values()].sort((a, b) => b.spanCount - a.spanCount || (a.name < b.name ? -1 : 1)),
    linksOut: Math.max(counts.links - linksWithin, 0),
    linksIn,
  }
}

function isBefore(a: FirstSpan, b: FirstSpan | undefined): boolean {
  return b === undefined || a.start < b.start || (a.start === b.start && a.spanId < b.spanId)
}
