import { durationText } from '../lib/format/duration-text.ts'
import { percentText, rateText } from '../lib/format/rate-text.ts'
import type { PlacedNode, TopologyModel } from './topology-model.ts'
import { tracesUrl } from '../app/route.ts'
import { closeDetails } from './topology-selection.ts'
import { topologyUrl, type TopologyPlace } from './topology-url.ts'
import { DetailsPanel } from '../components/details/details-panel.tsx'
import { EdgeTable } from './edge-table.tsx'
import { Lag } from './lag.tsx'
import { NodeName } from './node-name.tsx'

const TYPES = { service: 'Service', topic: 'Topic', group: 'Consumer group' } as const

export function NodeDetails(props: {
  readonly model: TopologyModel
  readonly place: TopologyPlace
  readonly node: PlacedNode
}) {
  const { model, place, node } = props
  return (
    <DetailsPanel
      label="Details"
      title={
        <>
          <span class="faint">
            {TYPES[node.type]} {node.system}
          </span>
          <h2>
            <NodeName node={node} cluster={model.hasClusters ? node.cluster : ''} />
          </h2>
        </>
      }
      onClose={() => closeDetails(place)}
    >
      <p class="panel-actions">
        {place.focus === node.id ? (
          <a class="button" href={topologyUrl({ ...place, focus: undefined })}>
            Leave focus
          </a>
        ) : (
          <a class="button" href={topologyUrl({ ...place, focus: node.id })} title="f">
            Focus
          </a>
        )}
        {node.type === 'service' && (
          <a class="button" href={tracesUrl({ service: node.name, last: place.last })}>
            View traces
          </a>
        )}
        {node.type !== 'service' && (
          <a
            class="button"
            href={`/messages?${new URLSearchParams({ list: 'late', [node.type]: node.name, last: place.last })}`}
          >
            Late messages
          </a>
        )}
      </p>
      <dl class="pairs">
        <dt>Rate</dt>
        <dd>{rateText(node.rate, model.rateUnit)}</dd>
        <dt>Errors</dt>
        <dd class={node.errorCount > 0 ? 'failed' : ''}>
          {node.errorCount.toLocaleString('en')} ({percentText(node.count === 0 ? 0 : node.errorCount / node.count)})
        </dd>
        {node.queueTime !== undefined && (
          <>
            <dt>Queue p95</dt>
            <dd>{durationText(node.queueTime)}</dd>
          </>
        )}
        {node.lagging !== undefined && <Lag lag={node.lagging} />}
      </dl>
      <EdgeTable name="Upstream" model={model} place={place} edges={node.incoming} peer="from" />
      <EdgeTable name="Downstream" model={model} place={place} edges={node.outgoing} peer="to" />
    </DetailsPanel>
  )
}
