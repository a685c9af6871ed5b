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
  /** Points on the lines of edges that are not short, for labels above them. */
  readonly labels: Readonly<Record<string, readonly [x: number, y: number]>>
}

const MARGIN = 24
const NODE_GAP = 16
/** Of a label and its distance to the line below. */
const LABEL_HEIGHT = 18

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
    if (!graph.hasNode(from) || !graph.hasNode(to)) continue
    // A label fits into the gap between layers, so only its height needs space.
    const space = isShort ? { minlen: 1 } : { minlen: 2, width: 1, height: LABEL_HEIGHT, labelpos: 'c' }
    graph.setEdge(from, to, { weight, ...space }, id)
  }
  layout(graph)
  const { width = 0, height = 0 } = graph.graph() as { readonly width?: number; readonly height?: number }
  const placed = graph.edges().map((edge) => ({ id: edge.name ?? '', ...(graph.edge(edge) as PlacedEdge) }))
  return {
    width,
    height,
    nodes: Object.fromEntries(
      nodes.map(({ id, width, height }) => {
        const { x = 0, y = 0 } = graph.node(id) as { readonly x?: number; readonly y?: number }
        return [id, [x - width / 2, y - height / 2] as const]
      }),
    ),
    edges: Object.fromEntries(placed.map(({ id, points = [] }) => [id, points.map(({ x, y }) => [x, y] as const)])),
    labels: Object.fromEntries(
      placed.flatMap(({ id, x, y }) => (x === undefined || y === undefined ? [] : [[id, [x, y] as const]])),
    ),
  }
}

interface PlacedEdge {
  readonly points?: readonly { readonly x: number; readonly y: number }[]
  /** Centre of the label. */
  readonly x?: number
  readonly y?: number
}
