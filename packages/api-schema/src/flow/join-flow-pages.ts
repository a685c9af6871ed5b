import type { FlowResponse } from './flow.ts'

/**
 * Joins the pages of a flow that were read so far with the next one. A lane that grew comes again
 * and replaces its earlier version. Statistics and critical path are those of the later page.
 */
export function joinFlowPages(before: FlowResponse, next: FlowResponse): FlowResponse {
  const lanes = new Map([...before.lanes, ...next.lanes].map((lane) => [lane.id, lane]))
  const edges = new Map([...before.edges, ...next.edges].map((edge) => [edge.id, edge]))
  const critical = new Set(next.criticalPath?.segments.map((segment) => segment.edgeId))
  return {
    ...next,
    ...(before.missingParts ? { complete: false, missingParts: before.missingParts } : {}),
    lanes: [...lanes.values()].sort((a, b) => (BigInt(a.startTimeUnixNano) < BigInt(b.startTimeUnixNano) ? -1 : 1)),
    edges: Array.from(edges.values(), (edge) => ({
      ...edge,
      onCriticalPath: critical.has(edge.id) || edge.onCriticalPath,
    })),
    missingTraceIds: [...new Set([...before.missingTraceIds, ...next.missingTraceIds])],
  }
}
