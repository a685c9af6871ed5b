import type { FlowLane } from '@spanlink/api-schema'
import type { TraceModel } from '../../trace/model/trace-model.ts'

/**
 * Positions of the failed spans of one lane. A trace split at its consumers has one lane per part.
 */
export function laneErrors(trace: TraceModel, lane: FlowLane, lanes: readonly FlowLane[]): readonly number[] {
  const starts = new Map(
    lanes.flatMap(({ id, traceId, rootSpanId }) =>
      traceId === lane.traceId && id !== traceId ? [[rootSpanId, id] as const] : [],
    ),
  )
  const laneAt: string[] = []
  const found: number[] = []
  // Parents come before their children.
  for (let p = 0; p < trace.count; p += 1) {
    const above = trace.parent[p] ?? -1
    laneAt[p] = starts.get(trace.spans[p]?.spanId ?? '') ?? laneAt[above] ?? lane.traceId
    if (trace.error[p] === 1 && laneAt[p] === lane.id) found.push(p)
  }
  return found
}
