import type { FlowModel } from '../model/flow-model.ts'
import type { FlowRow } from '../timeline/flow-rows.ts'

/** All messages between two rows, drawn as one line. */
interface FlowGraphEdge {
  readonly id: string
  readonly from: string
  readonly to: string
  readonly ids: readonly string[]
  readonly count: number
  /** The topic name, or the number of topics if there are several. */
  readonly topic: string
  /** Median of the known queue times, in nanoseconds. */
  readonly queueTime: number | undefined
  readonly isCritical: boolean
  readonly isNegative: boolean
}

export interface FlowGraph {
  readonly nodes: readonly FlowRow[]
  readonly edges: readonly FlowGraphEdge[]
}

/**
 * Builds nodes from rows that stand for traces, and the edges between them. An expanded group is
 * not a node because its members are.
 */
export function flowGraph(model: FlowModel, rows: readonly FlowRow[], rowByLane: Int32Array): FlowGraph {
  const nodes = rows.filter(
    (row) => row.kind === 'lane' || row.kind === 'missing' || (row.kind === 'group' && !row.isExpanded),
  )
  const between = Map.groupBy(
    model.edges.filter(({ fromLane, toLane }) => fromLane >= 0 && toLane >= 0 && fromLane !== toLane),
    ({ fromLane, toLane }) => `${rowByLane[fromLane] ?? -1} ${rowByLane[toLane] ?? -1}`,
  )
  const edges: FlowGraphEdge[] = []
  for (const [ends, placed] of between) {
    const [from, to] = ends.split(' ').map((row) => rows[Number(row)]?.id)
    if (from === undefined || to === undefined || from === to) continue
    const topics = new Set(placed.flatMap(({ edge }) => (edge.topic === '' ? [] : [edge.topic])))
    const known = placed.flatMap(({ edge }) => (edge.queueTimeNano === null ? [] : [Number(edge.queueTimeNano)]))
    known.sort((a, b) => a - b)
    const critical = placed.find(({ edge }) => edge.onCriticalPath)
    edges.push({
      id: ends,
      from,
      to,
      ids: (critical === undefined ? placed : [critical, ...placed]).map(({ edge }) => edge.id),
      count: placed.length,
      topic: topics.size > 1 ? `${topics.size} topics` : ([...topics][0] ?? ''),
      queueTime: known[Math.ceil(known.length / 2) - 1],
      isCritical: critical !== undefined,
      isNegative: (known[0] ?? 0) < 0,
    })
  }
  for (const row of rows) {
    const from = row.kind === 'missing' ? rows[rowByLane[row.lane] ?? -1]?.id : undefined
    if (row.kind !== 'missing' || from === undefined) continue
    edges.push({
      id: row.id,
      from,
      to: row.id,
      ids: [],
      count: row.count,
      topic: row.topic,
      queueTime: row.waitNanos,
      isCritical: false,
      isNegative: false,
    })
  }
  return { nodes, edges }
}
