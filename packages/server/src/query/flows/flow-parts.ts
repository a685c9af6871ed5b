import type { Expanded } from './load/expand.ts'
import { indexSpan, type FlowLink, type FlowSpanRef } from './flow-span.ts'
import type { CutTraces, Lane, LaneSpan } from './lanes.ts'
import { findUnit, type UnitTrace } from './load/units.ts'

/** The parts of traces that belong to a flow. */
export type FlowParts = CutTraces & {
  readonly links: readonly FlowLink[]
  /** Levels of their units, see expand.ts. */
  readonly levels: ReadonlyMap<LaneSpan, number>
}

/** Excludes spans of units that belong to other events, and links from or to such spans. */
export function selectParts({ traces, levels }: Pick<Expanded, 'traces' | 'levels'>): FlowParts {
  const lanes: Lane[] = []
  const cuts: CutTraces['cuts'][number][] = []
  const spans = new Map<string, LaneSpan>()
  const levelOf = new Map<LaneSpan, number>()
  const links: FlowLink[] = []
  const isIn = (trace: UnitTrace, ref: FlowSpanRef): boolean => levels.has(findUnit(trace, ref))
  for (const trace of traces.values()) {
    const kept = new Map<LaneSpan, LaneSpan>()
    for (const { id, traceId, spans: all } of trace.cut.lanes) {
      const lane: Lane = { id, traceId, spans: [] }
      for (const one of all) {
        const unit = trace.unitOfSpan.get(one)
        const level = unit && levels.get(unit)
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
    for (const cut of trace.cut.cuts) {
      if (isIn(trace, cut.to) && isIn(trace, cut.from)) cuts.push(cut)
    }
    for (const link of trace.links) {
      const target = traces.get(link.target.traceId)
      if (link.carrier.traceId !== trace.traceId || target === undefined) continue
      if (isIn(trace, link.carrier) && isIn(target, link.target)) links.push(link)
    }
  }
  return { lanes, cuts, spans, links, levels: levelOf }
}
