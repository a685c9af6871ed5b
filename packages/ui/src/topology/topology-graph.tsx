import { formatDuration } from '../lib/format/duration.ts'
import { formatCount, formatPercent, formatRate, type RateUnit } from '../lib/format/number.ts'
import type { PlacedNode, PlacedTopologyEdge, filterTopology } from './topology-model.ts'
import { topologyUrl, type TopologyProps } from './topology-url.ts'
import { onPlainClick, push, replace } from '../lib/url.ts'
import { GraphCanvas } from '../components/graph/graph-canvas.tsx'
import { lagTitle } from './lag.tsx'
import { NodeName } from './node-name.tsx'

const NODE_WIDTH = 176
const NODE_HEIGHT = 44
/** With more lines than this, only those of the selected node are labelled. */
const MAX_LABELS = 60
/** Lines with at least this error ratio are coloured as failing. */
const FAILING_SHARE = 0.005

export function TopologyGraph(props: TopologyProps & { readonly shown: ReturnType<typeof filterTopology> }) {
  const { shown, pageState, model } = props
  const chosen = pageState.node ?? ''
  const hasChosen = shown.nodes.some((node) => node.id === chosen)
  const lines = mergeEdges(shown.edges)
  const isNear = (edge: PlacedTopologyEdge): boolean => edge.from === chosen || edge.to === chosen
  return (
    <GraphCanvas
      label="Services, topics and consumer groups, producers left of consumers"
      gap={64}
      cursor={hasChosen ? chosen : undefined}
      nodes={shown.nodes.map((node) => ({
        id: node.id,
        width: NODE_WIDTH,
        height: NODE_HEIGHT,
        content: <Node model={model} node={node} pageState={pageState} />,
      }))}
      edges={lines.map(({ edge, rate, isFailing, ids }) => ({
        id: edge.id,
        from: edge.from,
        to: edge.to,
        class: `${isFailing ? 'failing' : ''} ${ids.includes(pageState.edge ?? '') ? 'selected' : ''} ${hasChosen ? (isNear(edge) ? 'near' : 'far') : ''}`,
        width: Math.min(5, 1 + Math.max(0, Math.log10(rate * 60 + 1)) * 0.8),
        label: lines.length <= MAX_LABELS || isNear(edge) ? renderEdgeLabel(edge, model.rateUnit) : undefined,
        // The line between a group and its service has no label.
        isShort: edge.type === 'consume',
      }))}
      onEdge={(edge) => replace(topologyUrl({ ...pageState, node: undefined, edge }))}
    />
  )
}

function Node({ model, node, pageState }: TopologyProps & { readonly node: PlacedNode }) {
  const url = topologyUrl({ ...pageState, node: node.id })
  return (
    <a
      class={`topology-node ${node.type} ${pageState.node === node.id ? 'selected' : ''} ${pageState.focus === node.id ? 'focused' : ''}`}
      href={url}
      tabIndex={-1}
      onClick={onPlainClick(() => replace(url))}
      onDblClick={() => push(topologyUrl({ ...pageState, node: node.id, focus: node.id }))}
    >
      <span class="node-line">
        <NodeName node={node} cluster={model.hasClusters ? node.cluster : ''} />
        {node.type === 'group' && node.worstLag !== undefined && node.worstLag.messages > 0 && (
          <span class={`lag ${node.worstLag.stale ? 'stale-lag' : ''}`} title={lagTitle(node.worstLag)}>
            <span class="word">lag </span>
            {formatCount(node.worstLag.messages)}
          </span>
        )}
      </span>
      <span class="node-line figures">
        <span>{formatRate(node.rate, model.rateUnit)}</span>
        {node.errorCount > 0 && <span class="failed">{formatPercent(node.errorCount / node.count)} ✕</span>}
        {node.queueTime !== undefined && node.type !== 'service' && (
          <span class="queue">p95 {formatDuration(node.queueTime)}</span>
        )}
      </span>
    </a>
  )
}

interface Line {
  /** The busiest of the merged edges; a click opens it. */
  readonly edge: PlacedTopologyEdge
  readonly ids: readonly string[]
  readonly rate: number
  readonly isFailing: boolean
}

/** Merges edges with the same ends: a group has one edge to its service per topic. */
function mergeEdges(edges: readonly PlacedTopologyEdge[]): Line[] {
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
        rate: alike.reduce((sum, one) => sum + one.ratePerSecond, 0),
        isFailing: errors / Math.max(1, count) >= FAILING_SHARE,
      },
    ]
  })
}

/** The label of an edge: its duration, or the queue time of its messages. */
function renderEdgeLabel(edge: PlacedTopologyEdge, unit: RateUnit) {
  if (edge.type === 'deliver') {
    if (edge.queueTimeNano !== undefined) return <b>{formatDuration(Number(edge.queueTimeNano.p95))}</b>
    const { lag } = edge
    return lag === undefined || lag.messages === 0 ? undefined : (
      <b class={lag.stale ? 'stale-lag' : ''}>lag {formatCount(lag.messages)}</b>
    )
  }
  return edge.type === 'produce' || edge.type === 'call' ? formatRate(edge.ratePerSecond, unit) : undefined
}
