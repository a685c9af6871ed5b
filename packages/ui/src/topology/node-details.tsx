import { formatDuration } from '../lib/format/duration.ts'
import { formatPercent, formatRate } from '../lib/format/number.ts'
import type { PlacedNode } from './topology-model.ts'
import { tracesUrl } from '../app/route.ts'
import { closeDetails } from './topology-selection.ts'
import { topologyUrl, type TopologyProps } from './topology-url.ts'
import { DetailsPanel } from '../components/details/details-panel.tsx'
import { EdgeTable } from './edge-table.tsx'
import { Lag } from './lag.tsx'
import { NodeName } from './node-name.tsx'
import { Pair } from '../components/labels/facts.tsx'

const TYPES = { service: 'Service', topic: 'Topic', group: 'Consumer group' } as const

export function NodeDetails({ model, pageState, node }: TopologyProps & { readonly node: PlacedNode }) {
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
      onClose={() => closeDetails(pageState)}
    >
      <p class="panel-actions">
        {pageState.focus === node.id ? (
          <a class="button" href={topologyUrl({ ...pageState, focus: undefined })}>
            Clear focus
          </a>
        ) : (
          <a class="button" href={topologyUrl({ ...pageState, focus: node.id })} title="f">
            Focus
          </a>
        )}
        {node.type === 'service' ? (
          <a class="button" href={tracesUrl({ service: node.name, last: pageState.last })}>
            View traces
          </a>
        ) : (
          <a
            class="button"
            href={`messages?${new URLSearchParams({ list: 'late', [node.type]: node.name, last: pageState.last })}`}
          >
            Late messages
          </a>
        )}
      </p>
      <dl class="pairs">
        <Pair name="Rate">{formatRate(node.rate, model.rateUnit)}</Pair>
        <Pair name="Errors" class={node.errorCount > 0 ? 'failed' : ''}>
          {node.errorCount.toLocaleString('en')} ({formatPercent(node.count === 0 ? 0 : node.errorCount / node.count)})
        </Pair>
        {node.queueTime !== undefined && <Pair name="Queue time p95">{formatDuration(node.queueTime)}</Pair>}
        {node.worstLag !== undefined && <Lag lag={node.worstLag} />}
      </dl>
      <EdgeTable name="Upstream" model={model} pageState={pageState} edges={node.incoming} peer="from" />
      <EdgeTable name="Downstream" model={model} pageState={pageState} edges={node.outgoing} peer="to" />
    </DetailsPanel>
  )
}
