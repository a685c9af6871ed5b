import { formatDurationNano } from '../lib/format/duration.ts'
import { formatPercent, formatRateNumber } from '../lib/format/number.ts'
import { isPlainClick, replace } from '../lib/url.ts'
import { NodeName } from './node-name.tsx'
import type { PlacedTopologyEdge, TopologyModel } from './topology-model.ts'
import { topologyUrl, type TopologyPageState } from './topology-url.ts'

const MAX_SHOWN = 100

/** The edges of a node: peer, rate, errors and duration. */
export function EdgeTable(props: {
  readonly name: string
  readonly model: TopologyModel
  readonly pageState: TopologyPageState
  readonly edges: readonly PlacedTopologyEdge[]
  readonly peer: 'from' | 'to'
}) {
  if (props.edges.length === 0) return null
  return (
    <section class="edge-table" aria-label={props.name}>
      <table>
        <thead>
          <tr>
            <th scope="col">
              {props.name} <span class="section-count">{props.edges.length.toLocaleString('en')}</span>
            </th>
            <th scope="col" class="number">
              Rate {props.model.rateUnit.name}
            </th>
            <th scope="col" class="number">
              Errors
            </th>
            <th scope="col" class="number">
              p95
            </th>
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
                  <a
                    href={url}
                    onClick={(event) => {
                      if (!isPlainClick(event)) return
                      event.preventDefault()
                      replace(url)
                    }}
                  >
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
