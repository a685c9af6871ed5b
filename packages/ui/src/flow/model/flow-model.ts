import type { FlowResponse, FlowEdge, FlowLane, MissingConsumer } from '@spanlink/api-schema'
import { layFlowTree } from './flow-tree.ts'
import type { FlowKey, PlacedEdge, PlacedMissing, PlacedSegment, PlacedSpan } from './placed-flow.ts'

/**
 * A flow in columns. Times are nanoseconds from the flow's first start, exact up to 2^53 ns (104
 * days). Lanes form a forest: each has at most one `parent`, connected by `parentEdge`. `edges` may
 * hold additional causes.
 */
export interface FlowModel {
  readonly response: FlowResponse
  readonly lanes: readonly FlowLane[]
  readonly startUnixNano: bigint
  readonly duration: number
  readonly start: Float64Array
  readonly end: Float64Array
  readonly edges: readonly PlacedEdge[]
  readonly spans: ReadonlyMap<FlowKey, PlacedSpan>
  readonly laneById: ReadonlyMap<string, number>
  /** Edges by lane, as indices into `edges`: `incoming` from causes, `outgoing` to effects. */
  readonly incoming: readonly (readonly number[])[]
  readonly outgoing: readonly (readonly number[])[]
  readonly parent: Int32Array
  readonly parentEdge: Int32Array
  readonly children: readonly (readonly number[])[]
  readonly roots: readonly number[]
  readonly path: readonly PlacedSegment[]
  /** 1 if the critical path includes the lane. */
  readonly onPath: Uint8Array
  readonly missing: readonly PlacedMissing[]
}

/**
 * `minDuration`: minimum length of the time axis in nanoseconds, to share it with a longer flow.
 */
export function buildFlowModel(response: FlowResponse, minDuration = 0): FlowModel {
  const { lanes } = response
  const starts = lanes.map((lane) => BigInt(lane.startTimeUnixNano))
  const startUnixNano = starts.reduce((min, at) => (at < min ? at : min), starts[0] ?? 0n)
  const at = (unixNano: string): number => Number(BigInt(unixNano) - startUnixNano)
  const start = Float64Array.from(starts, (time) => Number(time - startUnixNano))
  const end = Float64Array.from(lanes, (lane, index) => Math.max(start[index] ?? 0, at(lane.endTimeUnixNano)))

  const laneById = new Map(lanes.map((lane, index) => [lane.id, index]))
  const spans = new Map<FlowKey, PlacedSpan>()
  for (const [lane, { traceId, spans: own }] of lanes.entries()) {
    for (const span of own) {
      const from = at(span.startTimeUnixNano)
      const to = Math.max(from, at(span.endTimeUnixNano))
      spans.set(`${traceId}/${span.spanId}`, { ...span, traceId, lane, start: from, end: to })
    }
  }
  const edges = response.edges.map((edge): PlacedEdge => {
    const from = spans.get(`${edge.from.traceId}/${edge.from.spanId}`)
    const to = spans.get(`${edge.to.traceId}/${edge.to.spanId}`)
    return {
      edge,
      fromLane: laneById.get(edge.from.laneId ?? '') ?? from?.lane ?? -1,
      toLane: laneById.get(edge.to.laneId ?? '') ?? to?.lane ?? -1,
      from: waitStart(edge, from, to),
      to: to?.start ?? Number.NaN,
    }
  })
  const incoming = lanes.map((): number[] => [])
  const outgoing = lanes.map((): number[] => [])
  for (const [index, { fromLane, toLane }] of edges.entries()) {
    if (fromLane === toLane) continue
    incoming[toLane]?.push(index)
    outgoing[fromLane]?.push(index)
  }
  for (const list of outgoing) list.sort((a, b) => orZero(edges[a]?.to) - orZero(edges[b]?.to))
  const path = (response.criticalPath?.segments ?? []).map((segment): PlacedSegment => {
    const from = at(segment.startTimeUnixNano)
    return { segment, lane: laneById.get(segment.laneId) ?? -1, start: from, end: from + Number(segment.durationNano) }
  })
  const onPath = new Uint8Array(lanes.length)
  for (const { lane } of path) if (lane >= 0) onPath[lane] = 1
  return {
    response,
    lanes,
    startUnixNano,
    duration: end.reduce((max, one) => Math.max(max, one), minDuration),
    start,
    end,
    edges,
    spans,
    laneById,
    incoming,
    outgoing,
    ...layFlowTree(start, edges, incoming),
    path,
    onPath,
    missing: placeMissing(response.missingConsumers, laneById, spans),
  }
}

function placeMissing(
  missing: readonly MissingConsumer[],
  laneById: ReadonlyMap<string, number>,
  spans: ReadonlyMap<FlowKey, PlacedSpan>,
): PlacedMissing[] {
  const alike = Map.groupBy(missing, ({ cluster, topic, consumerGroup, producer }) =>
    JSON.stringify([producer.laneId, cluster, topic, consumerGroup]),
  )
  return [...alike.values()].flatMap((some) => {
    const first = some.toSorted((a, b) => (BigInt(a.waitNano) > BigInt(b.waitNano) ? -1 : 1))[0]
    const lane = laneById.get(first?.producer.laneId ?? '')
    if (first === undefined || lane === undefined) return []
    const { topic, consumerGroup, producer } = first
    const sentAt = spans.get(`${producer.traceId}/${producer.spanId}`)?.end ?? 0
    return [{ lane, topic, consumerGroup, count: some.length, producer, sentAt, waitNanos: Number(first.waitNano) }]
  })
}

/**
 * Computes the start of the wait from the queue time: a consumer may start before the send span
 * receives its acknowledgement.
 */
function waitStart(edge: FlowEdge, from: PlacedSpan | undefined, to: PlacedSpan | undefined): number {
  if (from === undefined) return Number.NaN
  return to === undefined || edge.queueTimeNano === null ? from.end : to.start - Number(edge.queueTimeNano)
}

/** The lane that contains a span, else the first lane of its trace. */
export function findSpanLane(model: FlowModel, traceId: string, spanId: string): number {
  return model.spans.get(`${traceId}/${spanId}`)?.lane ?? model.lanes.findIndex((lane) => lane.traceId === traceId)
}

function orZero(value: number | undefined): number {
  return value === undefined || Number.isNaN(value) ? 0 : value
}

/**
 * Collects every visible service: of lanes, of their linked spans, and of all spans of open lanes.
 */
export function collectServices(
  model: FlowModel,
  open: Iterable<{ service: readonly string[] } | string | undefined>,
): string[] {
  const names = new Set(model.lanes.map((lane) => lane.rootService))
  for (const { service } of model.spans.values()) names.add(service)
  for (const spans of open) if (typeof spans === 'object') for (const service of spans.service) names.add(service)
  return [...names]
}
