import type { PlacedEdge } from './placed-flow.ts'

const NONE = -1

/**
 * Places each lane below one of its causes: the one on the critical path, else the one with the
 * earliest message. In a cycle of links, the lane that starts first becomes a root. Children and
 * roots are ordered by start.
 */
export function layFlowTree(
  start: Float64Array,
  edges: readonly PlacedEdge[],
  incoming: readonly (readonly number[])[],
) {
  const parent = new Int32Array(start.length).fill(NONE)
  /** Index of the edge from the lane's parent to the lane; -1 for a root. */
  const parentEdge = new Int32Array(start.length).fill(NONE)
  const children = Array.from(start, (): number[] => [])
  const roots: number[] = []
  const byStart = Array.from(start, (_, lane) => lane).sort((a, b) => (start[a] ?? 0) - (start[b] ?? 0) || a - b)
  const isBelow = (lane: number, other: number): boolean => {
    for (let at = lane; at !== NONE; at = parent[at] ?? NONE) if (at === other) return true
    return false
  }
  for (const lane of byStart) {
    const causes = (incoming[lane] ?? []).filter((index) => (edges[index]?.fromLane ?? NONE) !== NONE)
    causes.sort((a, b) => rank(edges[a]) - rank(edges[b]))
    const edge = causes.find((index) => !isBelow(edges[index]?.fromLane ?? NONE, lane))
    if (edge === undefined) roots.push(lane)
    else {
      const above = edges[edge]?.fromLane ?? NONE
      parent[lane] = above
      parentEdge[lane] = edge
      children[above]?.push(lane)
    }
  }
  return { parent, parentEdge, children, roots }
}

function rank(edge: PlacedEdge | undefined): number {
  if (edge === undefined || edge.edge.onCriticalPath) return Number.NEGATIVE_INFINITY
  return Number.isNaN(edge.from) ? Number.POSITIVE_INFINITY : edge.from
}
