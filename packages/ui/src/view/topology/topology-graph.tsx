import { durationText } from '../../model/duration-text.ts'
import { countText, percentText, rateText } from '../../model/rate-text.ts'
import type { PlacedNode, PlacedTopologyEdge, shownTopology, TopologyModel } from '../../model/topology-model.ts'
import { topologyUrl, type TopologyPlace } from '../../state/topology-url.ts'
import { isPlainClick, push, replace } from '../../state/url.ts'
import { GraphCanvas } from '../graph/graph-canvas.tsx'
import { NodeName } from './node-name.tsx'

const NODE_WIDTH = 200
const NODE_HEIGHT = 44
/** With more lines than this only those of the chosen node are labelled. */
const MOST_LABELS = 60
/** From this share on errors colour a line. */
const FAILING = 0.005

export function TopologyGraph(props: {
  readonly model: TopologyModel
  readonly shown: ReturnType<typeof shownTopology>
  readonly place: TopologyPlace
}) {
  const { shown, place } = props
  const chosen = place.node ?? ''
  const hasChosen = shown.nodes.some((node) => node.id === chosen)
  const lines = linesOf(shown.edges)
  const isNear = (edge: PlacedTopologyEdge): boolean => edge.from === chosen || edge.to === chosen
  return (
    <GraphCanvas
      label="Services, topics and consumer groups, producers left of consumers"
      gap={76}
      cursor={hasChosen ? chosen : undefined}
      nodes={shown.nodes.map((node) => ({
        id: node.id,
        width: NODE_WIDTH,
        height: NODE_HEIGHT,
        content: <Node node={node} place={place} />,
      }))}
      edges={lines.map(({ edge, rate, isFailing, ids }) => ({
        id: edge.id,
        from: edge.from,
        to: edge.to,
        class: `${isFailing ? 'failing' : ''} ${ids.includes(place.edge ?? '') ? 'selected' : ''} ${hasChosen ? (isNear(edge) ? 'near' : 'far') : ''}`,
        width: Math.min(5, 1 + Math.max(0, Math.log10(rate * 60 + 1)) * 0.8),
        label: lines.length <= MOST_LABELS || isNear(edge) ? labelOf(edge) : undefined,
      }))}
      onEdge={(edge) => replace(topologyUrl({ ...place, node: undefined, edge }))}
    />
  )
}

function Node({ node, place }: { readonly node: PlacedNode; readonly place: TopologyPlace }) {
  const url = topologyUrl({ ...place, node: node.id })
  return (
    <a
      class={`topology-node ${node.type} ${place.node === node.id ? 'selected' : ''} ${place.focus === node.id ? 'focused' : ''}`}
      href={url}
      tabIndex={-1}
      onClick={(event) => {
        if (!isPlainClick(event)) return
        event.preventDefault()
        replace(url)
      }}
      onDblClick={() => push(topologyUrl({ ...place, node: node.id, focus: node.id }))}
    >
      <span class="node-line">
        <NodeName node={node} />
        {node.type === 'group' && (node.behind ?? 0) > 0 && (
          <span class="lag" title={`${(node.behind ?? 0).toLocaleString('en')} messages still to take`}>
            lag {countText(node.behind ?? 0)}
          </span>
        )}
      </span>
      <span class="node-line figures">
        <span>{rateText(node.rate)}</span>
        {node.errorCount > 0 && <span class="failed">{percentText(node.errorCount / node.count)} ✕</span>}
        {node.queueTime !== undefined && node.type !== 'service' && (
          <span class="queue">p95 {durationText(node.queueTime)}</span>
        )}
      </span>
    </a>
  )
}

interface Line {
  /** The busiest of them, which a click opens. */
  readonly edge: PlacedTopologyEdge
  readonly ids: readonly string[]
  readonly rate: number
  readonly isFailing: boolean
}

/** A group and its service are tied once for each topic: one line for all. */
function linesOf(edges: readonly PlacedTopologyEdge[]): Line[] {
  return [...Map.groupBy(edges, ({ from, to }) => JSON.stringify([from, to])).values()].flatMap((alike) => {
    const sorted = alike.toSorted((a, b) => b.count - a.count || (a.id < b.id ? -1 : 1))
    const [edge] = sorted
    if (edge === undefined) return []
    const count = alike.reduce((sum, one) => sum + one.count, 0)
    const errors = alike.reduce((sum, one) => sum + one.errorCount, 0)
    return [
      {
        edge,
        ids: sorted.map((one) => one.id),
        rate: alike.reduce((sum, one) => sum + one.rate, 0),
        isFailing: errors / Math.max(1, count) >= FAILING,
      },
    ]
  })
}

/** What the nodes at its ends do not say: how fast it is, or how long messages wait on it. */
function labelOf(edge: PlacedTopologyEdge) {
  if (edge.type === 'deliver') {
    if (edge.queueTime !== undefined) return <b>{durationText(Number(edge.queueTime.p95))}</b>
    // Nobody took anything: what waits is all there is to tell.
    return edge.lag === undefined || edge.lag.messages === 0 ? undefined : <b>lag {countText(edge.lag.messages)}</b>
  }
  return edge.type === 'produce' || edge.type === 'call' ? rateText(edge.rate) : undefined
}
