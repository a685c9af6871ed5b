import type { Expanded } from './expand.ts'
import type { FlowSpanRef } from '../flow-span.ts'
import { type Unit, findUnit } from './units.ts'

/** Messages of other events, the first of each trace, ordered by trace. */
export type JoinedEvents = readonly FlowSpanRef[]

/** Finds messages of other events that were consumed together with those of the flow, by lane. */
export function findJoinedEvents({
  traces,
  levels,
  isHidden,
}: Pick<Expanded, 'traces' | 'levels' | 'isHidden'>): ReadonlyMap<string, JoinedEvents> {
  const isOther = (cause: FlowSpanRef, unit: Unit): boolean => {
    if (cause.traceId === unit.traceId || isHidden(cause.traceId)) return false
    const trace = traces.get(cause.traceId)
    return trace === undefined || !levels.has(findUnit(trace, cause))
  }
  const found = new Map<string, Map<string, FlowSpanRef>>()
  for (const { units } of traces.values()) {
    for (const unit of units) {
      for (const cause of unit.causes) {
        if (!isOther(cause, unit)) continue
        const ofLane = found.get(unit.laneId) ?? new Map<string, FlowSpanRef>()
        found.set(unit.laneId, ofLane)
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
