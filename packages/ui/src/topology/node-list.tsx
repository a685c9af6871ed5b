import type { ComponentChildren } from 'preact'
import { durationText } from '../lib/format/duration-text.ts'
import { countText, percentText, rateNumber } from '../lib/format/rate-text.ts'
import { sortNodes, type NodeColumn } from './sort-nodes.ts'
import type { PlacedNode, TopologyModel } from './topology-model.ts'
import { useHeldList } from '../components/list/use-held-list.ts'
import { topologyUrl, type TopologyPlace } from './topology-url.ts'
import { isPlainClick, replace } from '../lib/url.ts'
import { Icon } from '../components/buttons/icon.tsx'
import { ListScroll } from '../components/list/list-scroll.tsx'
import { NewRows } from '../components/list/new-rows-button.tsx'
import { lagTitle } from './lag.tsx'
import { NodeName } from './node-name.tsx'

/** A page's worth; the search reaches the rest. */
const MOST = 600

export const NODE_LINKS = '.node-list a'

/** All nodes, busiest first: what the picture shows, to read, search, sort and step through. */
export function NodeList({ model, place }: { readonly model: TopologyModel; readonly place: TopologyPlace }) {
  const text = place.text.trim().toLowerCase()
  const nodes = model.nodes.filter(
    (node) => (text === '' || node.name.toLowerCase().includes(text)) && (!place.onlyErrors || node.errorCount > 0),
  )
  const hasLag = model.nodes.some((node) => node.lagging !== undefined)
  const listKey = topologyUrl({ ...place, node: undefined, edge: undefined, focus: undefined })
  const list = useHeldList(listKey, sortNodes(nodes, place.order), ({ id }) => id)
  return (
    <ListScroll key={listKey} class={`node-list ${hasLag ? 'with-lag' : ''}`} hold={list.hold}>
      <table>
        <thead>
          <tr>
            <Column by="name" place={place} more={<NewRows list={list} />}>
              Name
            </Column>
            <Column by="rate" place={place}>
              Rate {model.rateUnit.name}
            </Column>
            <Column by="errors" place={place}>
              Errors
            </Column>
            <Column by="queue" place={place} title="The highest p95 of the queues it waits in">
              Queue p95
            </Column>
            {hasLag && (
              <Column by="lag" place={place} title="Messages that a group has not consumed yet, by metrics">
                Lag
              </Column>
            )}
          </tr>
        </thead>
        <tbody>
          {list.rows.slice(0, MOST).map((node) => (
            <Row key={node.id} model={model} node={node} place={place} hasLag={hasLag} />
          ))}
        </tbody>
      </table>
      {nodes.length > MOST && <p class="more faint">and {nodes.length - MOST} more: search for them by name</p>}
    </ListScroll>
  )
}

/**
 * The head of a column sorts by it; once more turns the order round. Numbers begin with the
 * greatest.
 */
function Column(props: {
  readonly by: NodeColumn
  readonly place: TopologyPlace
  readonly title?: string
  readonly more?: ComponentChildren
  readonly children: ComponentChildren
}) {
  const { by, place } = props
  const isSorted = place.order.by === by
  const isAscending = isSorted ? !place.order.isAscending : by === 'name'
  return (
    <th
      scope="col"
      class={by === 'name' ? '' : by === 'lag' ? 'number lag' : 'number'}
      title={props.title}
      aria-sort={isSorted ? (place.order.isAscending ? 'ascending' : 'descending') : undefined}
    >
      <button type="button" onClick={() => replace(topologyUrl({ ...place, order: { by, isAscending } }))}>
        {props.children}
        {isSorted && <Icon name={place.order.isAscending ? 'chevronUp' : 'chevronDown'} />}
      </button>
      {props.more}
    </th>
  )
}

function Row(props: {
  readonly model: TopologyModel
  readonly node: PlacedNode
  readonly place: TopologyPlace
  readonly hasLag: boolean
}) {
  const { model, node, place } = props
  const url = topologyUrl({ ...place, node: node.id })
  return (
    <tr class={place.node === node.id ? 'selected' : ''}>
      <td>
        <a
          href={url}
          aria-current={place.node === node.id ? 'true' : undefined}
          onClick={(event) => {
            if (!isPlainClick(event)) return
            event.preventDefault()
            replace(url)
          }}
        >
          <NodeName node={node} cluster={model.hasClusters ? node.cluster : ''} />
        </a>
      </td>
      <td class="number">{rateNumber(node.rate, model.rateUnit)}</td>
      <td class={`number ${node.errorCount > 0 ? 'failed' : 'none'}`}>
        {percentText(node.count === 0 ? 0 : node.errorCount / node.count)}
      </td>
      <td class="number queue">{node.queueTime === undefined ? '' : durationText(node.queueTime)}</td>
      {props.hasLag && <LagCell node={node} />}
    </tr>
  )
}

function LagCell({ node }: { readonly node: PlacedNode }) {
  const lag = node.lagging
  if (lag === undefined) return <td class="number lag" />
  return (
    <td class={`number lag ${lag.messages === 0 ? 'none' : ''} ${lag.stale ? 'stale-lag' : ''}`} title={lagTitle(lag)}>
      {countText(lag.messages)}
      {lag.stale ? ' ?' : ''}
    </td>
  )
}
