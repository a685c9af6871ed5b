import { formatDurationNano } from '../lib/format/duration.ts'
import { formatPercent, formatRateNumber } from '../lib/format/number.ts'
import { onPlainClick, replace } from '../lib/url.ts'
import { NodeName } from './node-name.tsx'
import type { PlacedTopologyEdge } from './topology-model.ts'
import { topologyUrl, type TopologyProps } from './topology-url.ts'

const MAX_SHOWN = 100

/** The edges of a node: peer, rate, errors and duration. */
export function EdgeTable(
  props: TopologyProps & {
    readonly name: string
    readonly edges: readonly PlacedTopologyEdge[]
    readonly peer: 'from' | 'to'
  },
) {
  if (props.edges.length === 0) return null
  return (
    <section class="edge-table" aria-label={props.name}>
      <table class="list compact">
        <thead>
          <tr>
            <th scope="col">
              {props.name} <span class="section-count">{props.edges.length.toLocaleString('en')}</span>
            </th>
            {[`Rate ${props.model.rateUnit.name}`, 'Errors', 'p95'].map((text) => (
              <th key={text} scope="col" class="number">
                {text}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {props.edges.slice(0, MAX_SHOWN).map((edge) => {
            // A group has one edge to its service per topic, so the topic distinguishes them.
            const peer =
              edge.type === 'consume' && edge.topic !== undefined
                ? { type: 'topic' as const, name: edge.topic }
                : props.model.nodeById.get(edge[props.peer])
            const url = topologyUrl({ ...props.pageState, node: undefined, edge: edge.id })
            return (
              <tr key={edge.id}>
                <td>
                  <a class="row-link" href={url} onClick={onPlainClick(() => replace(url))}>
                    {peer === undefined ? (
                      edge[props.peer]
                    ) : (
                      <NodeName
                        node={peer}
                        cluster={'cluster' in peer && props.model.hasClusters ? peer.cluster : ''}
                      />
                    )}
                  </a>
                </td>
                <td class="number">{formatRateNumber(edge.ratePerSecond, props.model.rateUnit)}</td>
                <td class={`number ${edge.errorCount > 0 ? 'failed' : 'none'}`}>
                  {formatPercent(edge.errorCount / Math.max(1, edge.count))}
                </td>
                <td class={`number ${edge.queueTimeNano === undefined ? '' : 'queue'}`}>
                  {formatDurationNano((edge.queueTimeNano ?? edge.durationNano).p95)}
                </td>
              </tr>
            )
          })}
        </tbody>
      </table>
    </section>
  )
}
