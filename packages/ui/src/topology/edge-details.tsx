import type { Quantiles, TopologyEdge } from '@spanlink/api-schema'
import type { ComponentChildren } from 'preact'
import { formatDurationNano } from '../lib/format/duration.ts'
import { formatPercent, formatRate } from '../lib/format/number.ts'
import type { PlacedTopologyEdge } from './topology-model.ts'
import { flowUrl } from '../flow/flow-url.ts'
import { traceUrl } from '../app/route.ts'
import { closeDetails } from './topology-selection.ts'
import { topologyUrl, type TopologyProps } from './topology-url.ts'
import { Icon } from '../components/buttons/icon.tsx'
import { DetailsPanel } from '../components/details/details-panel.tsx'
import { Lag } from './lag.tsx'
import { NodeName } from './node-name.tsx'
import { Pair } from '../components/labels/facts.tsx'

const VERBS: Readonly<Record<TopologyEdge['type'], string>> = {
  produce: 'sends to',
  deliver: 'delivers to',
  consume: 'is consumed by',
  call: 'calls',
}

export function EdgeDetails({ model, pageState, edge }: TopologyProps & { readonly edge: PlacedTopologyEdge }) {
  const end = (id: string): ComponentChildren => {
    const node = model.nodeById.get(id)
    const url = topologyUrl({ ...pageState, edge: undefined, node: id })
    return (
      <a href={url}>
        {node === undefined ? id : <NodeName node={node} cluster={model.hasClusters ? node.cluster : ''} />}
      </a>
    )
  }
  return (
    <DetailsPanel
      label="Details"
      titleClass="edge-title"
      title={
        <>
          <h2>{end(edge.from)}</h2>
          <span class="faint">{VERBS[edge.type]}</span>
          <h2>{end(edge.to)}</h2>
        </>
      }
      onClose={() => closeDetails(pageState)}
    >
      <dl class="pairs">
        {edge.topic !== undefined && (
          <Pair name="Topic">
            <span class="text block">{edge.topic.slice(0, 300)}</span>
          </Pair>
        )}
        <Pair name="Rate">
          {formatRate(edge.ratePerSecond, model.rateUnit)}{' '}
          <span class="faint">({edge.count.toLocaleString('en')} in all)</span>
        </Pair>
        <Pair name="Errors" class={edge.errorCount > 0 ? 'failed' : ''}>
          {edge.errorCount.toLocaleString('en')} ({formatPercent(edge.errorCount / Math.max(1, edge.count))})
        </Pair>
        {edge.lag !== undefined && <Lag lag={edge.lag} />}
      </dl>
      <table class="quantiles">
        <thead>
          <tr>
            <th scope="col">
              <span class="visually-hidden">Metric</span>
            </th>
            <th scope="col">p50</th>
            <th scope="col">p95</th>
            <th scope="col">p99</th>
          </tr>
        </thead>
        <tbody>
          <Quantile name="Duration" of={edge.durationNano} />
          {edge.queueTimeNano !== undefined && <Quantile name="Queue time" of={edge.queueTimeNano} isQueue />}
        </tbody>
      </table>
      {edge.queueTimeCount !== undefined && (
        <p class="faint">Queue time of {edge.queueTimeCount.toLocaleString('en')} messages with both ends stored.</p>
      )}
      {edge.sampled && <p class="faint">Estimated from an even sample.</p>}
      {(edge.slowest ?? edge.failed) !== undefined && (
        <section class="examples" aria-label="Examples">
          <h3>Examples</h3>
          <Example name="Slowest" span={edge.slowest} />
          <Example name="Failed" span={edge.failed} />
        </section>
      )}
    </DetailsPanel>
  )
}

function Quantile(props: { readonly name: string; readonly of: Quantiles; readonly isQueue?: boolean }) {
  return (
    <tr class={props.isQueue ? 'queue' : ''}>
      <th scope="row">{props.name}</th>
      <td>{formatDurationNano(props.of.p50)}</td>
      <td>{formatDurationNano(props.of.p95)}</td>
      <td>{formatDurationNano(props.of.p99)}</td>
    </tr>
  )
}

function Example(props: { readonly name: string; readonly span: TopologyEdge['slowest'] }) {
  const { span } = props
  if (span === undefined) return null
  return (
    <p>
      <span>{props.name}</span>
      <a class="button" href={flowUrl(span.traceId, { span })}>
        <Icon name="flow" />
        Flow
      </a>
      <a class="button" href={traceUrl(span.traceId, span.spanId)}>
        Trace
      </a>
    </p>
  )
}
