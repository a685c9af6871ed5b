import type { Quantiles, TopologyEdge, TopologyLag } from '@spanlink/api-schema'
import type { ComponentChildren } from 'preact'
import { durationText, nanoText } from '../lib/format/duration-text.ts'
import { percentText, rateNumber, rateText } from '../lib/format/rate-text.ts'
import type { PlacedNode, PlacedTopologyEdge, TopologyModel } from './topology-model.ts'
import { flowUrl } from '../flow/flow-url.ts'
import { tracesUrl, traceUrl } from '../app/route.ts'
import { topologyUrl, type TopologyPlace } from './topology-url.ts'
import { isPlainClick, replace } from '../lib/url.ts'
import { Icon } from '../components/buttons/icon.tsx'
import { Age } from '../components/labels/age.tsx'
import { Text } from '../components/labels/text.tsx'
import { NodeName } from './node-name.tsx'

const TYPES = { service: 'Service', topic: 'Topic', group: 'Consumer group' } as const
const WAYS: Readonly<Record<TopologyEdge['type'], string>> = {
  produce: 'sends to',
  deliver: 'delivers to',
  consume: 'is consumed by',
  call: 'calls',
}

export function TopologyPanel({ model, place }: { readonly model: TopologyModel; readonly place: TopologyPlace }) {
  const node = model.nodeById.get(place.node ?? '')
  const edge = model.edgeById.get(place.edge ?? '')
  return (
    <aside class="span-panel details-panel" aria-label="Details">
      <button
        type="button"
        class="quiet close-details"
        aria-label="Close the details"
        title="Close (Esc)"
        onClick={() => replace(topologyUrl({ ...place, node: undefined, edge: undefined }))}
      >
        <Icon name="close" />
      </button>
      {node !== undefined ? (
        <NodeDetails model={model} place={place} node={node} />
      ) : edge !== undefined ? (
        <EdgeDetails model={model} place={place} edge={edge} />
      ) : null}
    </aside>
  )
}

function NodeDetails(props: {
  readonly model: TopologyModel
  readonly place: TopologyPlace
  readonly node: PlacedNode
}) {
  const { model, place, node } = props
  return (
    <>
      <header>
        <div class="panel-title">
          <span class="faint">
            {TYPES[node.type]} {node.system}
          </span>
          <h2>
            <NodeName node={node} cluster={model.hasClusters ? node.cluster : ''} />
          </h2>
        </div>
      </header>
      <div class="panel-body">
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
        <Edges name="Upstream" model={model} place={place} edges={node.incoming} peer="from" />
        <Edges name="Downstream" model={model} place={place} edges={node.outgoing} peer="to" />
      </div>
    </>
  )
}

const SHOWN = 100

function Edges(props: {
  readonly name: string
  readonly model: TopologyModel
  readonly place: TopologyPlace
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
          {props.edges.slice(0, SHOWN).map((edge) => {
            // A group consumes for its service once for each topic: the topic tells them apart.
            const peer =
              edge.type === 'consume' && edge.topic !== undefined
                ? { type: 'topic' as const, name: edge.topic }
                : props.model.nodeById.get(edge[props.peer])
            const url = topologyUrl({ ...props.place, node: undefined, edge: edge.id })
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
                <td class="number">{rateNumber(edge.rate, props.model.rateUnit)}</td>
                <td class={`number ${edge.errorCount > 0 ? 'failed' : 'none'}`}>
                  {percentText(edge.errorCount / Math.max(1, edge.count))}
                </td>
                <td class={`number ${edge.queueTime === undefined ? '' : 'queue'}`}>
                  {nanoText((edge.queueTime ?? edge.duration).p95)}
                </td>
              </tr>
            )
          })}
        </tbody>
      </table>
    </section>
  )
}

function EdgeDetails(props: {
  readonly model: TopologyModel
  readonly place: TopologyPlace
  readonly edge: PlacedTopologyEdge
}) {
  const { model, place, edge } = props
  const end = (id: string): ComponentChildren => {
    const node = model.nodeById.get(id)
    const url = topologyUrl({ ...place, edge: undefined, node: id })
    return (
      <a href={url}>
        {node === undefined ? id : <NodeName node={node} cluster={model.hasClusters ? node.cluster : ''} />}
      </a>
    )
  }
  return (
    <>
      <header>
        <div class="panel-title edge-title">
          <h2>{end(edge.from)}</h2>
          <span class="faint">{WAYS[edge.type]}</span>
          <h2>{end(edge.to)}</h2>
        </div>
      </header>
      <div class="panel-body">
        <dl class="pairs">
          {edge.topic !== undefined && (
            <>
              <dt>Topic</dt>
              <dd>
                <span class="text block">{edge.topic.slice(0, 300)}</span>
              </dd>
            </>
          )}
          <dt>Rate</dt>
          <dd>
            {rateText(edge.rate, model.rateUnit)} <span class="faint">({edge.count.toLocaleString('en')} in all)</span>
          </dd>
          <dt>Errors</dt>
          <dd class={edge.errorCount > 0 ? 'failed' : ''}>
            {edge.errorCount.toLocaleString('en')} ({percentText(edge.errorCount / Math.max(1, edge.count))})
          </dd>
          {edge.lag !== undefined && <Lag lag={edge.lag} />}
        </dl>
        <table class="quantiles">
          <thead>
            <tr>
              <th scope="col">
                <span class="visually-hidden">What</span>
              </th>
              <th scope="col">p50</th>
              <th scope="col">p95</th>
              <th scope="col">p99</th>
            </tr>
          </thead>
          <tbody>
            <Quantile name="Duration" of={edge.duration} />
            {edge.queueTime !== undefined && <Quantile name="Queue time" of={edge.queueTime} isQueue />}
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
      </div>
    </>
  )
}

function Lag({ lag }: { readonly lag: TopologyLag }) {
  return (
    <>
      <dt>Lag</dt>
      <dd>
        <span class={lag.stale ? 'stale-lag' : ''}>
          {lag.messages === 1 ? '1 message' : `${lag.messages.toLocaleString('en')} messages`}
        </span>{' '}
        <span class="faint">
          (<Age unixNano={lag.timeUnixNano} />
          {lag.stale ? ', not reported since' : ''}, <Text>{lag.metric}</Text>)
        </span>
      </dd>
    </>
  )
}

function Quantile(props: { readonly name: string; readonly of: Quantiles; readonly isQueue?: boolean }) {
  return (
    <tr class={props.isQueue ? 'queue' : ''}>
      <th scope="row">{props.name}</th>
      <td>{nanoText(props.of.p50)}</td>
      <td>{nanoText(props.of.p95)}</td>
      <td>{nanoText(props.of.p99)}</td>
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
