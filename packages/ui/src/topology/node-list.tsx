import type { ComponentChildren } from 'preact'
import { formatDuration } from '../lib/format/duration.ts'
import { formatCount, formatPercent, formatRateNumber } from '../lib/format/number.ts'
import { sortNodes, type NodeColumn } from './sort-nodes.ts'
import type { PlacedNode } from './topology-model.ts'
import { useHeldList } from '../components/list/use-held-list.ts'
import { topologyUrl, type TopologyPageState, type TopologyProps } from './topology-url.ts'
import { onPlainClick, replace } from '../lib/url.ts'
import { Icon } from '../components/buttons/icon.tsx'
import { ListScroll } from '../components/list/list-scroll.tsx'
import { NewRowsButton } from '../components/list/results-bar.tsx'
import { lagTitle } from './lag.tsx'
import { NodeName } from './node-name.tsx'

/** Maximum rows shown; the text filter finds the rest. */
const MAX_NODES = 600

export const NODE_LINKS = '.node-list a'

/** The nodes of the graph as a sortable list with text filter and keyboard navigation. */
export function NodeList({ model, pageState }: TopologyProps) {
  const text = pageState.text.trim().toLowerCase()
  const nodes = model.nodes.filter(
    (node) => (text === '' || node.name.toLowerCase().includes(text)) && (!pageState.onlyErrors || node.errorCount > 0),
  )
  const hasLag = model.nodes.some((node) => node.worstLag !== undefined)
  const listKey = topologyUrl({ ...pageState, node: undefined, edge: undefined, focus: undefined })
  const list = useHeldList(listKey, sortNodes(nodes, pageState.order), ({ id }) => id)
  return (
    <ListScroll key={listKey} class={`node-list ${hasLag ? 'with-lag' : ''}`} hold={list.hold}>
      <table class="list compact">
        <thead>
          <tr>
            <Column by="name" pageState={pageState} more={<NewRowsButton list={list} />}>
              Name
            </Column>
            <Column by="rate" pageState={pageState}>
              Rate {model.rateUnit.name}
            </Column>
            <Column by="errors" pageState={pageState}>
              Errors
            </Column>
            <Column by="queue" pageState={pageState} title="Highest p95 queue time of its topics">
              Queue p95
            </Column>
            {hasLag && (
              <Column by="lag" pageState={pageState} title="Messages that a group has not consumed yet, by metrics">
                Lag
              </Column>
            )}
          </tr>
        </thead>
        <tbody>
          {list.rows.slice(0, MAX_NODES).map((node) => (
            <Row key={node.id} model={model} node={node} pageState={pageState} hasLag={hasLag} />
          ))}
        </tbody>
      </table>
      {nodes.length > MAX_NODES && (
        <p class="more faint">and {nodes.length - MAX_NODES} more: search for them by name</p>
      )}
    </ListScroll>
  )
}

/**
 * A column header that sorts; another click reverses the order. Numeric columns start with the
 * highest value.
 */
function Column(props: {
  readonly by: NodeColumn
  readonly pageState: TopologyPageState
  readonly title?: string
  readonly more?: ComponentChildren
  readonly children: ComponentChildren
}) {
  const { by, pageState } = props
  const isSorted = pageState.order.by === by
  const isAscending = isSorted ? !pageState.order.isAscending : by === 'name'
  return (
    <th
      scope="col"
      class={by === 'name' ? '' : by === 'lag' ? 'number lag' : 'number'}
      title={props.title}
      aria-sort={isSorted ? (pageState.order.isAscending ? 'ascending' : 'descending') : undefined}
    >
      <button type="button" onClick={() => replace(topologyUrl({ ...pageState, order: { by, isAscending } }))}>
        {props.children}
        {isSorted && <Icon name={pageState.order.isAscending ? 'chevronUp' : 'chevronDown'} />}
      </button>
      {props.more}
    </th>
  )
}

function Row(props: TopologyProps & { readonly node: PlacedNode; readonly hasLag: boolean }) {
  const { model, node, pageState } = props
  const url = topologyUrl({ ...pageState, node: node.id })
  return (
    <tr class={pageState.node === node.id ? 'selected' : ''}>
      <td>
        <a
          class="row-link"
          href={url}
          aria-current={pageState.node === node.id ? 'true' : undefined}
          onClick={onPlainClick(() => replace(url))}
        >
          <NodeName node={node} cluster={model.hasClusters ? node.cluster : ''} />
        </a>
      </td>
      <td class="number">{formatRateNumber(node.rate, model.rateUnit)}</td>
      <td class={`number ${node.errorCount > 0 ? 'failed' : 'none'}`}>
        {formatPercent(node.count === 0 ? 0 : node.errorCount / node.count)}
      </td>
      <td class="number queue">{node.queueTime === undefined ? '' : formatDuration(node.queueTime)}</td>
      {props.hasLag && <LagCell node={node} />}
    </tr>
  )
}

function LagCell({ node }: { readonly node: PlacedNode }) {
  const lag = node.worstLag
  if (lag === undefined) return <td class="number lag" />
  return (
    <td class={`number lag ${lag.messages === 0 ? 'none' : ''} ${lag.stale ? 'stale-lag' : ''}`} title={lagTitle(lag)}>
      {formatCount(lag.messages)}
      {lag.stale ? ' ?' : ''}
    </td>
  )
}
