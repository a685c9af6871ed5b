import { Graph, layout } from '@dagrejs/dagre'

/** Producers are left of consumers. Sizes and positions are CSS pixels. */
export interface GraphLayoutRequest {
  readonly nodes: readonly { readonly id: string; readonly width: number; readonly height: number }[]
  readonly edges: readonly {
    readonly id: string
    readonly from: string
    readonly to: string
    readonly weight?: number
    /** Half the length of other edges, because it has no label. */
    readonly isShort?: boolean
  }[]
  /** Space between layers, for edge labels. */
  readonly gap: number
}

export interface GraphLayoutResult {
  readonly width: number
  readonly height: number
  /** Upper left corners. */
  readonly nodes: Readonly<Record<string, readonly [x: number, y: number]>>
  /** Corners of a line from one node to the other. */
  readonly edges: Readonly<Record<string, readonly (readonly [x: number, y: number])[]>>
}

const MARGIN = 24
const NODE_GAP = 16

/** Layered from left to right; cycles are broken. The same request gives the same layout. */
export function layoutGraph({ nodes, edges, gap }: GraphLayoutRequest): GraphLayoutResult {
  const graph = new Graph({ multigraph: true })
  graph.setGraph({
    rankdir: 'LR',
    // Layers are half a gap apart: a normal edge spans two of them, a short one spans one.
    ranksep: gap / 2,
    nodesep: NODE_GAP,
    edgesep: 10,
    marginx: MARGIN,
    marginy: MARGIN,
  })
  for (const { id, width, height } of nodes) graph.setNode(id, { width, height })
  for (const { id, from, to, weight = 1, isShort = false } of edges) {
    if (graph.hasNode(from) && graph.hasNode(to)) graph.setEdge(from, to, { weight, minlen: isShort ? 1 : 2 }, id)
  }
  layout(graph)
  const { width = 0, height = 0 } = graph.graph() as { readonly width?: number; readonly height?: number }
  return {
    width,
    height,
    nodes: Object.fromEntries(
      nodes.map(({ id, width, height }) => {
        const { x = 0, y = 0 } = graph.node(id) as { readonly x?: number; readonly y?: number }
        return [id, [x - width / 2, y - height / 2] as const]
      }),
    ),
    edges: Object.fromEntries(
      graph.edges().map((edge) => {
        const { points = [] } = graph.edge(edge) as {
          readonly points?: readonly { readonly x: number; readonly y: number }[]
        }
        return [edge.name ?? '', points.map(({ x, y }) => [x, y] as const)]
      }),
    ),
  }
}
