import type { TopologyResponse, TopologyEdge, TopologyLag, TopologyNode } from '@spanlink/api-schema'
import { rateUnit, type RateUnit } from '../lib/format/number.ts'

/** An edge with a unique id: several topics may connect the same two nodes. */
export interface PlacedTopologyEdge extends TopologyEdge {
  readonly id: string
}

/** A node with values derived from its edges. */
export interface PlacedNode extends TopologyNode {
  readonly incoming: readonly PlacedTopologyEdge[]
  readonly outgoing: readonly PlacedTopologyEdge[]
  /**
   * Per second: incoming calls and messages of a service (outgoing if none), messages sent to a
   * topic, messages delivered to a group.
   */
  readonly rate: number
  readonly count: number
  readonly errorCount: number
  /** The highest p95 queue time of its incoming edges, or of a topic's edges, in nanoseconds. */
  readonly queueTime: number | undefined
  /**
   * Lag of a group, or for a topic the highest lag of its groups. A stale value is used only if
   * there is no current one.
   */
  readonly worstLag: TopologyLag | undefined
}

export interface TopologyModel {
  readonly response: TopologyResponse
  /** Busiest first. */
  readonly nodes: readonly PlacedNode[]
  readonly nodeById: ReadonlyMap<string, PlacedNode>
  readonly edges: readonly PlacedTopologyEdge[]
  readonly edgeById: ReadonlyMap<string, PlacedTopologyEdge>
  /** The common unit of all rates on the page. */
  readonly rateUnit: RateUnit
  /** True with several clusters, or if a name exists in two: cluster names are then shown. */
  readonly hasClusters: boolean
}

export function buildTopologyModel(response: TopologyResponse): TopologyModel {
  const edges = response.edges.map((edge) => ({ ...edge, id: toEdgeId(edge) }))
  const into = Map.groupBy(edges, (edge) => edge.to)
  const outOf = Map.groupBy(edges, (edge) => edge.from)
  const nodes = response.nodes.map((node): PlacedNode => {
    const incoming = into.get(node.id) ?? []
    const outgoing = outOf.get(node.id) ?? []
    const taken = incoming.length > 0 ? incoming : outgoing
    const counted =
      node.type === 'service' ? [...incoming, ...outgoing.filter((edge) => edge.type === 'produce')] : taken
    const waits = [...incoming, ...(node.type === 'topic' ? outgoing : [])].flatMap(({ queueTimeNano }) =>
      queueTimeNano === undefined ? [] : [Number(queueTimeNano.p95)],
    )
    const lags = node.type === 'topic' ? outgoing.map(({ lag }) => lag) : [node.lag]
    return {
      ...node,
      incoming,
      outgoing,
      rate: taken.reduce((sum, edge) => sum + edge.ratePerSecond, 0),
      count: counted.reduce((sum, edge) => sum + edge.count, 0),
      errorCount: counted.reduce((sum, edge) => sum + edge.errorCount, 0),
      queueTime: waits.length === 0 ? undefined : Math.max(...waits),
      worstLag: lags.reduce(worseLag, undefined),
    }
  })
  nodes.sort((a, b) => b.rate - a.rate || (a.id < b.id ? -1 : 1))
  return {
    response,
    nodes,
    nodeById: new Map(nodes.map((node) => [node.id, node])),
    edges,
    edgeById: new Map(edges.map((edge) => [edge.id, edge])),
    rateUnit: rateUnit([...nodes.map(({ rate }) => rate), ...edges.map(({ ratePerSecond }) => ratePerSecond)]),
    hasClusters: hasClusters(nodes),
  }
}

function worseLag(a: TopologyLag | undefined, b: TopologyLag | undefined): TopologyLag | undefined {
  if (a === undefined || b === undefined) return a ?? b
  if (a.stale !== b.stale) return a.stale ? b : a
  return b.messages > a.messages ? b : a
}

function hasClusters(nodes: readonly TopologyNode[]): boolean {
  const clusters = new Set(nodes.flatMap(({ cluster }) => (cluster === '' ? [] : [cluster])))
  const names = nodes.map(({ type, system, name }) => JSON.stringify([type, system, name]))
  return clusters.size > 1 || (clusters.size > 0 && new Set(names).size < names.length)
}

/** The nodes within `edges` edges of a node, upstream or downstream. */
export function findNeighbors(model: TopologyModel, id: string, edges: number): Set<string> {
  const found = new Set([id])
  for (const side of ['incoming', 'outgoing'] as const) {
    let edge = [id]
    for (let step = 0; step < edges && edge.length > 0; step += 1) {
      const next = new Set<string>()
      for (const at of edge)
        for (const { from, to } of model.nodeById.get(at)?.[side] ?? []) next.add(side === 'incoming' ? from : to)
      edge = [...next].filter((one) => !found.has(one))
      for (const one of edge) found.add(one)
    }
  }
  return found
}

export interface TopologyView {
  /** Part of a name, case-insensitive. */
  readonly text: string
  readonly onlyErrors: boolean
  /** Only nodes within `reach` edges of this node. */
  readonly focus: string | undefined
  readonly reach: number
  readonly maxEdges: number
}

/**
 * The part of the topology to draw: the focus and filters apply, then only the busiest edges are
 * kept.
 */
export function filterTopology(model: TopologyModel, view: TopologyView) {
  const near = view.focus === undefined ? undefined : findNeighbors(model, view.focus, view.reach)
  const text = view.text.trim().toLowerCase()
  const matches = (id: string): boolean => (model.nodeById.get(id)?.name ?? '').toLowerCase().includes(text)
  const wanted = model.edges.filter(
    (edge) =>
      (near === undefined || (near.has(edge.from) && near.has(edge.to))) &&
      (text === '' || view.focus !== undefined || matches(edge.from) || matches(edge.to)) &&
      (!view.onlyErrors || edge.errorCount > 0),
  )
  const edges = selectBusiest(wanted, view.maxEdges)
  const ids = new Set(edges.flatMap((edge) => [edge.from, edge.to]))
  if (view.focus !== undefined) ids.add(view.focus)
  // Sorted by id, so that a refresh with other numbers keeps the layout.
  const byId = (a: { readonly id: string }, b: { readonly id: string }): number => (a.id < b.id ? -1 : 1)
  return {
    nodes: model.nodes.filter((node) => ids.has(node.id)).toSorted(byId),
    edges: edges.toSorted(byId),
    /** Number of matching edges left out for lack of room. */
    left: wanted.length - edges.length,
  }
}

/**
 * Keeps or drops a topic with all its edges, so that paths from producer to consumer stay whole.
 */
function selectBusiest(edges: readonly PlacedTopologyEdge[], max: number): PlacedTopologyEdge[] {
  const ways = [...Map.groupBy(edges, (edge) => edge.topic ?? edge.id)].map(([key, way]) => ({
    key,
    way,
    count: way.reduce((largest, edge) => Math.max(largest, edge.count), 0),
  }))
  ways.sort((a, b) => b.count - a.count || (a.key < b.key ? -1 : 1))
  const taken: PlacedTopologyEdge[] = []
  for (const { way } of ways) {
    if (taken.length > 0 && taken.length + way.length > max) break
    taken.push(...way)
  }
  return taken
}

function toEdgeId({ type, from, to, topic = '' }: TopologyEdge): string {
  return JSON.stringify([type, from, to, topic])
}
