import type { Expanded } from './expand.ts'
import type { FlowSpanRef } from '../flow-span.ts'
import type { LaneSection } from '../lanes.ts'
import { findSection } from './lane-sections.ts'

/** Messages of other events, the first of each trace, ordered by trace. */
export type JoinedEvents = readonly FlowSpanRef[]

/** Finds messages of other events that were consumed together with those of the flow, by lane. */
export function findJoinedEvents({
  traces,
  levels,
  isHidden,
}: Pick<Expanded, 'traces' | 'levels' | 'isHidden'>): ReadonlyMap<string, JoinedEvents> {
  const isOther = (cause: FlowSpanRef, section: LaneSection): boolean => {
    if (cause.traceId === section.traceId || isHidden(cause.traceId)) return false
    const trace = traces.get(cause.traceId)
    return trace === undefined || !levels.has(findSection(trace, cause))
  }
  const found = new Map<string, Map<string, FlowSpanRef>>()
  for (const { sections } of traces.values()) {
    for (const section of sections) {
      for (const cause of section.causes) {
        if (!isOther(cause, section)) continue
        const ofLane = found.get(section.laneId) ?? new Map<string, FlowSpanRef>()
        found.set(section.laneId, ofLane)
        if (!ofLane.has(cause.traceId)) ofLane.set(cause.traceId, cause)
      }
    }
  }
  return new Map(
    Array.from(found, ([laneId, causes]) => [
      laneId,
      [...causes.values()].sort((a, b) => (a.traceId < b.traceId ? -1 : 1)),
    ]),
  )
}
