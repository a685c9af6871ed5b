import type { Edge } from './edges/edge.ts'
import type { Lane } from './lanes.ts'

/**
 * Counts the edges between the requested lane and each other lane, in either direction. The
 * requested lane has the requested span, else it is the first of the requested trace. Missing lanes
 * still connect: two consumers of a lost producer are two edges apart.
 */
export function computeLaneDepths(
  { traceId, spanId }: { readonly traceId: string; readonly spanId: string | undefined },
  lanes: readonly Lane[],
  edges: readonly Edge[],
): ReadonlyMap<string, number> {
  const neighbours = new Map<string, string[]>()
  const neighboursOf = (id: string): string[] => {
    const known = neighbours.get(id) ?? []
    neighbours.set(id, known)
    return known
  }
  const join = (a: string, b: string): void => {
    neighboursOf(a).push(b)
    neighboursOf(b).push(a)
  }
  const missing = (trace: string): string => `${trace}?`
  for (const { from, to, fromRef, toRef } of edges) {
    join(from?.lane.id ?? missing(fromRef.traceId), to?.lane.id ?? missing(toRef.traceId))
  }
  for (const { id, traceId: trace } of lanes) if (neighbours.has(missing(trace))) join(id, missing(trace))
  const ofTrace = lanes.filter((lane) => lane.traceId === traceId)
  const requestedLane =
    ofTrace.find((lane) => lane.spans.some(({ span }) => span.spanId === spanId)) ??
    ofTrace.find((lane) => lane.id === traceId) ??
    ofTrace[0]
  const depths = new Map<string, number>()
  let frontier = [requestedLane?.id ?? missing(traceId)]
  for (let depth = 0; frontier.length > 0; depth++) {
    for (const id of frontier) depths.set(id, depth)
    frontier = [...new Set(frontier.flatMap((id) => neighbours.get(id) ?? []))].filter((id) => !depths.has(id))
  }
  return depths
}
