import type { FlowModel } from './flow-model.ts'
import type { PlacedEdge } from './placed-flow.ts'
import type { FlowRow } from '../timeline/flow-rows.ts'

/**
 * Finds the hops from a row to its effects (`]`) or its causes (`[`). Hops on the critical path are
 * first, then by time.
 */
export function findNextHops(
  model: FlowModel,
  row: FlowRow | undefined,
  to: 'effect' | 'cause',
): readonly PlacedEdge[] {
  if (row === undefined) return []
  const lanes = row.kind === 'group' ? row.members : [row.lane]
  const edges = lanes.flatMap((lane) => (to === 'effect' ? model.outgoing[lane] : model.incoming[lane]) ?? [])
  const seen = new Set<number>()
  const hops: PlacedEdge[] = []
  for (const index of edges) {
    const edge = model.edges[index]
    const far = to === 'effect' ? edge?.toLane : edge?.fromLane
    // Several messages to one consumer count as one hop.
    if (edge === undefined || far === undefined || far < 0 || seen.has(far)) continue
    seen.add(far)
    hops.push(edge)
  }
  return hops.sort((a, b) => Number(b.edge.onCriticalPath) - Number(a.edge.onCriticalPath))
}
