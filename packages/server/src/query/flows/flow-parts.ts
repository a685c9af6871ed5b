import type { Expanded } from './load/expand.ts'
import { indexSpan, type FlowLink, type FlowSpanRef } from './flow-span.ts'
import type { TraceLanes, Lane, LaneSpan } from './lanes.ts'
import { findSection, type DividedTrace } from './load/lane-sections.ts'

/** The parts of traces that belong to a flow. */
export type FlowParts = TraceLanes & {
  readonly links: readonly FlowLink[]
  /** Levels of their sections, see expand.ts. */
  readonly levels: ReadonlyMap<LaneSpan, number>
}

/** Excludes spans of sections that belong to other events, and links from or to such spans. */
export function selectParts({ traces, levels }: Pick<Expanded, 'traces' | 'levels'>): FlowParts {
  const lanes: Lane[] = []
  const boundaries: TraceLanes['boundaries'][number][] = []
  const spans = new Map<string, LaneSpan>()
  const levelOf = new Map<LaneSpan, number>()
  const links: FlowLink[] = []
  const isIn = (trace: DividedTrace, ref: FlowSpanRef): boolean => levels.has(findSection(trace, ref))
  for (const trace of traces.values()) {
    const kept = new Map<LaneSpan, LaneSpan>()
    for (const { id, traceId, spans: all } of trace.split.lanes) {
      const lane: Lane = { id, traceId, spans: [] }
      for (const one of all) {
        const section = trace.sectionOfSpan.get(one)
        const level = section && levels.get(section)
        if (level === undefined) continue
        const parent = one.parent && kept.get(one.parent)
        const placed: LaneSpan = { span: one.span, lane, parent, children: [] }
        parent?.children.push(placed)
        lane.spans.push(placed)
        kept.set(one, placed)
        levelOf.set(placed, level)
        indexSpan(spans, placed)
      }
      if (lane.spans.length > 0) lanes.push(lane)
    }
    for (const boundary of trace.split.boundaries) {
      if (isIn(trace, boundary.to) && isIn(trace, boundary.from)) boundaries.push(boundary)
    }
    for (const link of trace.links) {
      const target = traces.get(link.target.traceId)
      if (link.linkingSpan.traceId !== trace.traceId || target === undefined) continue
      if (isIn(trace, link.linkingSpan) && isIn(target, link.target)) links.push(link)
    }
  }
  return { lanes, boundaries, spans, links, levels: levelOf }
}
