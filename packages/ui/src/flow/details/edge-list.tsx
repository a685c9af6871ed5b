import { hasSeveralClusters } from '../../lib/format/record.ts'
import type { FlowModel } from '../model/flow-model.ts'
import { selectionUrl, type FlowPageState } from '../flow-url.ts'
import { isPlainClick, replace } from '../../lib/url.ts'
import { Icon } from '../../components/buttons/icon.tsx'
import { RecordFacts } from '../../components/labels/record-facts.tsx'
import { ServiceName } from '../../components/labels/service-name.tsx'
import { Text } from '../../components/labels/text.tsx'
import { formatQueueTime } from '../model/flow-messages.ts'

/** Page size; a batch consumer has hundreds of edges. */
const SHOWN = 50

/** Causes or effects of a lane: the other end, topic and queue time. Each item selects its edge. */
export function EdgeList(props: {
  readonly model: FlowModel
  readonly pageState: FlowPageState
  readonly edges: readonly number[]
  readonly to: 'effect' | 'cause'
}) {
  const { model, pageState, edges, to } = props
  if (edges.length === 0) return null
  const showsCluster = hasSeveralClusters(model.edges.map(({ edge }) => edge))
  const name = to === 'cause' ? 'Caused by' : 'Triggered'
  return (
    <section class="link-list" aria-label={name}>
      <h3>
        <Icon name={to === 'cause' ? 'linkOut' : 'linkIn'} />
        {name} <span class="section-count">{edges.length.toLocaleString('en')}</span>
      </h3>
      <ul>
        {edges.slice(0, SHOWN).map((index) => {
          const edge = model.edges[index]?.edge
          if (edge === undefined) return null
          const end = to === 'cause' ? edge.from : edge.to
          const url = selectionUrl(pageState, { edge: edge.id })
          return (
            <li key={edge.id} class="link-item">
              <a
                class="link-end"
                href={url}
                onClick={(event) => {
                  if (!isPlainClick(event)) return
                  event.preventDefault()
                  replace(url)
                }}
              >
                <Icon name={to === 'cause' ? 'linkOut' : 'linkIn'} />
                {end.laneId === null ? (
                  <span class="faint">not found</span>
                ) : (
                  <>
                    <ServiceName name={end.service} />
                    <Text class="operation">{end.name}</Text>
                  </>
                )}
              </a>
              <dl class="link-facts">
                <div>
                  <dt>queue time</dt>
                  <dd class="queue">
                    {formatQueueTime(edge)}
                    {edge.queueTimeNano?.startsWith('-') === true && <span class="tag warn">clock skew</span>}
                    {edge.onCriticalPath && <span class="tag">critical path</span>}
                  </dd>
                </div>
                <RecordFacts record={edge} showsCluster={showsCluster} />
              </dl>
            </li>
          )
        })}
      </ul>
      {edges.length > SHOWN && (
        <p class="faint">and {(edges.length - SHOWN).toLocaleString('en')} more in the timeline</p>
      )}
    </section>
  )
}
