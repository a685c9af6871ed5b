import type { FlowResponse, FlowEdge, FlowEnd, FlowOrigin, FlowTitle, JoinedWith } from '@spanlink/api-schema'
import { computeCriticalPath } from './critical-path.ts'
import { type Edge, computeEdgeQueueTime } from './edges/edge.ts'
import { CAUSED, type Expanded, JOINED } from './load/expand.ts'
import { toFlowLane } from './flow-lane.ts'
import type { FlowParts } from './flow-parts.ts'
import type { FlowSpanRef } from './flow-span.ts'
import type { JoinedEvents } from './load/joined-events.ts'
import { computeLaneDepths } from './lane-depths.ts'
import type { LaneSpan } from './lanes.ts'
import type { Origins } from './load/origins.ts'
import { type RootName, findRoot } from './roots.ts'
import { computeStatistics } from './statistics.ts'
import { findSection } from './load/lane-sections.ts'

/** The opened trace, and the span that the critical path ends at. */
export type Opened = { readonly traceId: string; readonly spanId: string | undefined }

export type FlowData = {
  readonly origins: Origins
  readonly expanded: Expanded
  readonly parts: FlowParts
  readonly edges: readonly Edge[]
  /** By lane. */
  readonly joined: ReadonlyMap<string, JoinedEvents>
  /** Of traces in `joined`. */
  readonly roots: ReadonlyMap<string, RootName>
}

const MAX_ORIGINS = 100
export const MAX_EXAMPLES = 3

type FlowContent = Omit<FlowResponse, 'traceId' | 'complete' | 'truncated' | 'nextCursor' | 'missingConsumers'>

/** Builds the response. It depends only on the loaded rows. */
export function toFlowResponse(opened: Opened, found: FlowData): FlowContent {
  const { origins, expanded, parts, edges, joined, roots } = found
  const order = new Map(expanded.positions.map(({ traceId }, index) => [traceId, index]))
  const target = selectTarget(opened, parts)
  const isOfEvent = ({ from }: Edge): boolean => from === undefined || parts.levels.get(from.section) !== JOINED
  const path = target && computeCriticalPath(target, edges.filter(isOfEvent))
  const isOnPage = (traceId: string): boolean => (order.get(traceId) ?? -1) >= expanded.pageStart
  const isNew = (end: LaneSpan | undefined): boolean => end !== undefined && expanded.grownLanes.has(end.lane.id)
  const depths = computeLaneDepths(opened, parts.lanes, edges)
  const hidden = hiddenLinks(expanded)
  const touched = new Set(edges.flatMap((edge) => [edge.from, edge.to]))
  const leading = new Set(edges.map(({ from }) => from?.lane))
  const present = new Set(parts.lanes.map((lane) => lane.traceId))
  return {
    title: findTitle(origins, expanded),
    origins: origins.traces.slice(0, MAX_ORIGINS).map((trace): FlowOrigin => {
      const root = findRoot(trace)
      return {
        traceId: trace.traceId,
        rootService: root?.service ?? '',
        rootName: root?.name ?? '',
        startTimeUnixNano: String(root?.start ?? 0n),
      }
    }),
    originCount: origins.count,
    lanes: parts.lanes
      .filter((lane) => isOnPage(lane.traceId) || expanded.grownLanes.has(lane.id))
      .map((lane) =>
        toFlowLane(lane, touched, {
          depth: depths.get(lane.id) ?? -1,
          hiddenLinks: hidden.get(lane.traceId) ?? 0,
          joinedWith: toJoinedWith(joined.get(lane.id), roots),
          hasOutgoingEdge: leading.has(lane),
        }),
      )
      .sort((a, b) => compareTimes(a.startTimeUnixNano, b.startTimeUnixNano) || (a.id < b.id ? -1 : 1)),
    edges: edges
      .filter(
        ({ from, to, fromRef, toRef }) =>
          isOnPage(fromRef.traceId) || isOnPage(toRef.traceId) || isNew(from) || isNew(to),
      )
      .map((edge) => toFlowEdge(edge, path?.edgeIds.has(edge.id) ?? false)),
    missingTraceIds: expanded.positions
      .map(({ traceId }) => traceId)
      .filter((traceId) => isOnPage(traceId) && !present.has(traceId)),
    statistics: computeStatistics(parts.lanes, edges),
    criticalPath: path?.path ?? null,
  }
}

/** Title of the origin, or of the first stored trace below it. */
function findTitle(origins: Origins, { traces }: Expanded): FlowTitle | null {
  const [origin] = origins.traces
  const below = [...origins.distances].sort(([, a], [, b]) => b - a).flatMap(([traceId]) => traces.get(traceId) ?? [])
  for (const trace of [...(origin ? [origin] : []), ...below]) {
    const root = findRoot(trace)
    if (root === undefined) continue
    const { service, name, traceId, spanId } = root
    return { service, name, traceId, spanId }
  }
  return null
}

/**
 * Returns the requested span, preferably in the opened trace. Else the span that ends last of those
 * the origin caused; of several, the outermost.
 */
function selectTarget({ traceId, spanId }: Opened, { lanes, levels }: FlowParts): LaneSpan | undefined {
  const all = lanes.flatMap((lane) => lane.spans)
  const named = all.filter(({ span }) => span.spanId === spanId)
  if (named.length > 0) return named.find(({ span }) => span.traceId === traceId) ?? named[0]
  const caused = all.filter((one) => levels.get(one.section) === CAUSED)
  return (caused.length > 0 ? caused : all).reduce<LaneSpan | undefined>((last, one) => {
    if (last === undefined || one.span.end > last.span.end) return one
    return one.span.end === last.span.end && one.span.start < last.span.start ? one : last
  }, undefined)
}

function hiddenLinks({ traces, levels, isHidden }: Expanded): ReadonlyMap<string, number> {
  const hidden = new Map<string, number>()
  for (const trace of traces.values()) {
    const levelAt = (ref: FlowSpanRef): number => levels.get(findSection(trace, ref)) ?? 0
    const count = trace.links.filter(({ linkingSpan, target }) =>
      linkingSpan.traceId === trace.traceId
        ? isHidden(target.traceId) && levelAt(linkingSpan) > 0
        : isHidden(linkingSpan.traceId) && levelAt(target) > JOINED,
    ).length
    hidden.set(trace.traceId, count)
  }
  return hidden
}

function toJoinedWith(joined: JoinedEvents | undefined, roots: ReadonlyMap<string, RootName>): JoinedWith | undefined {
  if (joined === undefined) return undefined
  const examples = joined.slice(0, MAX_EXAMPLES).map(({ traceId, spanId }) => {
    const root = roots.get(traceId)
    return { traceId, spanId, rootService: root?.service ?? '', rootName: root?.name ?? '' }
  })
  return { count: joined.length, examples }
}

function toFlowEdge(edge: Edge, onCriticalPath: boolean): FlowEdge {
  const { id, via, role, record, consumerGroup } = edge
  const time = computeEdgeQueueTime(edge)
  return {
    id,
    from: toFlowEnd(edge.fromRef, edge.from),
    to: toFlowEnd(edge.toRef, edge.to),
    via,
    role,
    ...record,
    consumerGroup,
    queueTimeNano: time === undefined ? null : String(time),
    onCriticalPath,
  }
}

function toFlowEnd({ traceId, spanId }: FlowSpanRef, end: LaneSpan | undefined): FlowEnd {
  return { traceId, spanId, laneId: end?.lane.id ?? null, service: end?.span.service ?? '', name: end?.span.name ?? '' }
}

function compareTimes(a: string, b: string): number {
  const difference = BigInt(a) - BigInt(b)
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}
