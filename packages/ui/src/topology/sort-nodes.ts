import type { PlacedNode } from './topology-model.ts'

export const NODE_COLUMNS = ['name', 'rate', 'errors', 'queue', 'lag'] as const
export type NodeColumn = (typeof NODE_COLUMNS)[number]

/** A column of the node list and its direction. */
export interface NodeOrder {
  readonly by: NodeColumn
  readonly isAscending: boolean
}

export const DEFAULT_ORDER: NodeOrder = { by: 'rate', isAscending: false }

const VALUES: Readonly<Record<Exclude<NodeColumn, 'name'>, (node: PlacedNode) => number | undefined>> = {
  rate: ({ rate }) => rate,
  errors: ({ count, errorCount }) => (count === 0 ? 0 : errorCount / count),
  queue: ({ queueTime }) => queueTime,
  lag: ({ worstLag }) => worstLag?.messages,
}

/** Nodes without a value come last in both directions; ties are sorted by name. */
export function sortNodes(nodes: readonly PlacedNode[], { by, isAscending }: NodeOrder): readonly PlacedNode[] {
  const sign = isAscending ? 1 : -1
  if (by === 'name') return nodes.toSorted((a, b) => sign * byName(a, b))
  const value = VALUES[by]
  return nodes.toSorted((a, b) => {
    const [x, y] = [value(a), value(b)]
    if (x === undefined || y === undefined) return Number(x === undefined) - Number(y === undefined) || byName(a, b)
    return sign * (x - y) || byName(a, b)
  })
}

function byName(a: PlacedNode, b: PlacedNode): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1
  return a.id < b.id ? -1 : 1
}
