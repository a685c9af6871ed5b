import type { FlowLane, TraceResponse } from '@spanlink/api-schema'
import { treeOrder } from '../../components/tree/tree-order.ts'

/** The span fields that rows need, a subset of the trace response. */
type LaneSpan = Pick<
  TraceResponse['spans'][number],
  'spanId' | 'parentSpanId' | 'service' | 'name' | 'startTimeUnixNano' | 'endTimeUnixNano' | 'status'
>

/** All spans of one lane in columns, depth first; times are nanoseconds from the flow's start. */
export interface LaneSpans {
  readonly count: number
  readonly spanId: readonly string[]
  readonly service: readonly string[]
  readonly name: readonly string[]
  readonly start: Float64Array
  readonly end: Float64Array
  readonly depth: Uint16Array
  readonly error: Uint8Array
}

/**
 * Extracts the spans of one lane from its trace. A trace split at its consumers has one lane per
 * part: a span belongs to the lane of its nearest ancestor-or-self that is a lane's root, else to
 * the trace's own lane.
 */
export function laneSpans(
  spans: readonly LaneSpan[],
  lane: FlowLane,
  lanes: readonly FlowLane[],
  flowStart: bigint,
): LaneSpans {
  const start = Float64Array.from(spans, (span) => Number(BigInt(span.startTimeUnixNano) - flowStart))
  const tree = treeOrder(spans, start)
  const beginning = new Map(
    lanes
      .filter((one) => one.traceId === lane.traceId && one.id !== one.traceId)
      .map((one) => [one.rootSpanId, one.id]),
  )
  const laneAt: string[] = []
  const depthAt: number[] = []
  const own: number[] = []
  for (const [p, index] of tree.order.entries()) {
    const above = tree.parent[p] ?? -1
    const ownLane = beginning.get(spans[index]?.spanId ?? '')
    laneAt[p] = ownLane ?? (above >= 0 ? (laneAt[above] ?? lane.traceId) : lane.traceId)
    depthAt[p] = ownLane !== undefined || above < 0 ? 0 : (depthAt[above] ?? 0) + 1
    if (laneAt[p] === lane.id) own.push(p)
  }
  const given = own.map((p) => spans[tree.order[p] ?? 0] as LaneSpan)
  const starts = Float64Array.from(own, (p) => start[tree.order[p] ?? 0] ?? 0)
  return {
    count: own.length,
    spanId: given.map((span) => span.spanId),
    service: given.map((span) => span.service),
    name: given.map((span) => span.name),
    start: starts,
    end: Float64Array.from(given, (span, at) =>
      Math.max(starts[at] ?? 0, Number(BigInt(span.endTimeUnixNano) - flowStart)),
    ),
    depth: Uint16Array.from(own, (p) => Math.min(65_535, depthAt[p] ?? 0)),
    error: Uint8Array.from(given, (span) => (span.status.code === 'error' ? 1 : 0)),
  }
}
