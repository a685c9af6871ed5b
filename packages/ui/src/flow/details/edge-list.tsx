import { hasSeveralClusters } from '../../lib/format/record.ts'
import { selectionUrl } from '../flow-url.ts'
import { onPlainClick, replace } from '../../lib/url.ts'
import { Icon } from '../../components/buttons/icon.tsx'
import { RecordFacts, Fact } from '../../components/labels/facts.tsx'
import { SpanName } from '../../components/labels/labels.tsx'
import { formatQueueTime } from '../model/flow-messages.ts'
import type { FlowProps } from '../flow-view.ts'

/** Page size; a batch consumer has hundreds of edges. */
const SHOWN = 50

/** Causes or effects of a lane: the other end, topic and queue time. Each item selects its edge. */
export function EdgeList(props: FlowProps & { readonly edges: readonly number[]; readonly to: 'effect' | 'cause' }) {
  const { view, pageState, edges, to } = props
  if (edges.length === 0) return null
  const model = view.model.value
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
              <a class="link-end" href={url} onClick={onPlainClick(() => replace(url))}>
                <Icon name={to === 'cause' ? 'linkOut' : 'linkIn'} />
                {end.laneId === null ? (
                  <span class="faint">not found</span>
                ) : (
                  <SpanName service={end.service} name={end.name} />
                )}
              </a>
              <dl class="link-facts">
                <Fact name="queue time" valueClass="queue">
                  {formatQueueTime(edge)}
                  {edge.queueTimeNano?.startsWith('-') === true && <span class="tag warn">clock skew</span>}
                  {edge.onCriticalPath && <span class="tag">critical path</span>}
                </Fact>
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
