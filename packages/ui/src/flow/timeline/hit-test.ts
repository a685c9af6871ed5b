import type { FlowModel } from '../model/flow-model.ts'
import type { FlowRow } from './flow-rows.ts'

export type FlowHit =
  | { readonly kind: 'lane'; readonly lane: string }
  | { readonly kind: 'span'; readonly traceId: string; readonly spanId: string }
  | { readonly kind: 'edge'; readonly edge: string }

/**
 * Finds the item of a row at a time, within `slack`: the shortest linked span, else the wait before
 * the lane, else the lane.
 */
export function hitTestRow(model: FlowModel, row: FlowRow, time: number, slack: number): FlowHit | undefined {
  if (row.kind === 'loading') return undefined
  if (row.kind === 'group') return undefined
  if (row.kind === 'missing') return { kind: 'span', ...row.producer }
  const lane = model.lanes[row.lane]
  if (lane === undefined) return undefined
  if (row.kind === 'span') return { kind: 'span', traceId: lane.traceId, spanId: row.spans.spanId[row.span] ?? '' }
  const near = lane.spans
    .flatMap((span) => {
      const placed = model.spans.get(`${lane.traceId}/${span.spanId}`)
      return placed === undefined || placed.spanId === lane.rootSpanId ? [] : [placed]
    })
    .filter((span) => span.start - slack <= time && time <= span.end + slack)
    .sort((a, b) => a.end - a.start - (b.end - b.start))
  const [nearest] = near
  if (nearest !== undefined) return { kind: 'span', traceId: lane.traceId, spanId: nearest.spanId }
  const wait = model.edges[model.parentEdge[row.lane] ?? -1]
  if (wait !== undefined && Math.min(wait.from, wait.to) - slack <= time && time <= Math.max(wait.from, wait.to))
    return { kind: 'edge', edge: wait.edge.id }
  return { kind: 'lane', lane: lane.id }
}
