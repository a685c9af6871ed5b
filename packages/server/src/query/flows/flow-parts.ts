import type { Expanded } from './load/expand.ts'
import { createSpanIndex, indexSpan, type FlowLink, type FlowSpanRef, type SpanIndex } from './flow-span.ts'
import type { Lane, LaneBoundary, LaneSection, LaneSpan, TraceLanes } from './lanes.ts'
import { findSection, type DividedTrace } from './load/lane-sections.ts'

/** The parts of traces that belong to a flow. */
export type FlowParts = {
  readonly lanes: readonly Lane[]
  readonly boundaries: readonly LaneBoundary[]
  readonly links: readonly FlowLink[]
  /** By trace. */
  readonly spans: ReadonlyMap<string, SpanIndex<LaneSpan>>
  /** Levels of sections, see expand.ts. */
  readonly levels: ReadonlyMap<LaneSection, number>
}

/** Excludes spans of sections that belong to other events, and links from or to such spans. */
export function selectParts({ traces, levels }: Pick<Expanded, 'traces' | 'levels'>): FlowParts {
  const lanes: Lane[] = []
  const boundaries: LaneBoundary[] = []
  const spans = new Map<string, SpanIndex<LaneSpan>>()
  const links: FlowLink[] = []
  const isIn = (trace: DividedTrace, ref: FlowSpanRef): boolean => levels.has(findSection(trace, ref))
  for (const trace of traces.values()) {
    const selected = selectLanes(trace.split, levels)
    lanes.push(...selected.lanes)
    spans.set(trace.traceId, selected.spans)
    for (const boundary of trace.split.boundaries) {
      if (isIn(trace, boundary.to) && isIn(trace, boundary.from)) boundaries.push(boundary)
    }
    for (const link of trace.links) {
      if (link.linkingSpan.traceId !== trace.traceId) continue
      const target = traces.get(link.target.traceId)
      if (target !== undefined && isIn(trace, link.linkingSpan) && isIn(target, link.target)) links.push(link)
    }
  }
  return { lanes, boundaries, spans, links, levels }
}

function selectLanes(split: TraceLanes, levels: FlowParts['levels']): Pick<TraceLanes, 'lanes' | 'spans'> {
  const isSelected = ({ section }: LaneSpan): boolean => levels.has(section)
  if (split.lanes.every((lane) => lane.spans.every(isSelected))) return split
  const spans = createSpanIndex<LaneSpan>()
  const kept = new Map<LaneSpan, LaneSpan>()
  const lanes = split.lanes.map((whole): Lane => {
    const lane: Lane = { ...whole, spans: [] }
    for (const one of whole.spans.filter(isSelected)) {
      const parent = one.parent && kept.get(one.parent)
      const placed: LaneSpan = { ...one, lane, parent, children: [] }
      parent?.children.push(placed)
      lane.spans.push(placed)
      kept.set(one, placed)
      indexSpan(spans, placed)
    }
    return lane
  })
  return { lanes: lanes.filter((lane) => lane.spans.length > 0), spans }
}
