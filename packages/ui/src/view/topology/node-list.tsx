import { durationText } from '../../model/duration-text.ts'
import { countText, percentText, rateText } from '../../model/rate-text.ts'
import type { PlacedNode, TopologyModel } from '../../model/topology-model.ts'
import { topologyUrl, type TopologyPlace } from '../../state/topology-url.ts'
import { isPlainClick, replace } from '../../state/url.ts'
import { NodeName } from './node-name.tsx'

/** A page's worth; the search reaches the rest. */
const MOST = 600

export const NODE_LINKS = '.node-list a'

/** All nodes, busiest first: what the picture shows, to read, search and step through. */
export function NodeList({ model, place }: { readonly model: TopologyModel; readonly place: TopologyPlace }) {
  const text = place.text.trim().toLowerCase()
  const nodes = model.nodes.filter(
    (node) => (text === '' || node.name.toLowerCase().includes(text)) && (!place.onlyErrors || node.errorCount > 0),
  )
  const hasLag = model.nodes.some((node) => node.behind !== undefined)
  return (
    <div class={`node-list ${hasLag ? 'with-lag' : ''}`}>
      <table>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col" class="number">
              Rate
            </th>
            <th scope="col" class="number">
              Errors
            </th>
            <th scope="col" class="number" title="The worst p95 of the queues it waits in">
              Queue p95
            </th>
            {hasLag && (
              <th scope="col" class="number lag" title="Messages that a group has still to take, as metrics tell">
                Lag
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {nodes.slice(0, MOST).map((node) => (
            <Row key={node.id} node={node} place={place} hasLag={hasLag} />
          ))}
        </tbody>
      </table>
      {nodes.length > MOST && <p class="more faint">and {nodes.length - MOST} more: search for them by name</p>}
    </div>
  )
}

function Row(props: { readonly node: PlacedNode; readonly place: TopologyPlace; readonly hasLag: boolean }) {
  const { node, place } = props
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
          <NodeName node={node} />
        </a>
      </td>
      <td class="number">{rateText(node.rate)}</td>
      <td class={`number ${node.errorCount > 0 ? 'failed' : 'none'}`}>
        {percentText(node.count === 0 ? 0 : node.errorCount / node.count)}
      </td>
      <td class="number queue">{node.queueTime === undefined ? '' : durationText(node.queueTime)}</td>
      {props.hasLag && (
        <td class={`number lag ${node.behind === 0 ? 'none' : ''}`}>
          {node.behind === undefined ? '' : countText(node.behind)}
        </td>
      )}
    </tr>
  )
}
