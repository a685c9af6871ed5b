import type { FlowEdge } from '@spanlink/api-schema'
import { sanitizeText } from '../../lib/format/sanitize.ts'
import type { FlowModel } from '../model/flow-model.ts'
import type { PlacedEdge } from '../model/placed-flow.ts'
import { formatDuration } from '../../lib/format/duration.ts'
import { selectionUrl, type FlowPageState } from '../flow-url.ts'
import { DetailsPanel } from '../../components/details/details-panel.tsx'
import { closeDetails } from '../flow-selection.ts'
import { ServiceName } from '../../components/labels/service-name.tsx'
import { Text } from '../../components/labels/text.tsx'
import { formatQueueTime } from '../model/flow-messages.ts'

const ROLES: Readonly<Record<FlowEdge['role'], string>> = {
  message: 'Message',
  creation: 'Creation context',
  processing: 'Received, then processed',
  link: 'Span link',
}
const VIAS: Readonly<Record<FlowEdge['via'], string>> = {
  link: 'span link',
  parent: 'parent and child',
  both: 'span link, parent and child',
}

export function EdgeDetails(props: {
  readonly model: FlowModel
  readonly pageState: FlowPageState
  readonly edge: PlacedEdge
}) {
  const { model, pageState } = props
  const { edge, from } = props.edge
  const isNegative = edge.queueTimeNano?.startsWith('-') === true
  const share = model.duration === 0 ? 0 : Math.abs(Number(edge.queueTimeNano ?? 0)) / model.duration
  return (
    <DetailsPanel
      label="Details"
      title={
        <>
          <span class="faint">{edge.role === 'message' ? 'Queue time' : 'Link'}</span>
          <h2 class="queue-title">
            {formatQueueTime(edge)}
            {edge.topic !== '' && (
              <>
                {' '}
                <span class="faint">in</span> <Text class="block">{edge.topic}</Text>
              </>
            )}
          </h2>
          <span class="tags">
            {edge.onCriticalPath && <span class="tag">on the critical path</span>}
            {isNegative && <span class="tag warn">clock skew</span>}
          </span>
        </>
      }
      onClose={() => closeDetails(pageState)}
    >
      {isNegative && <p class="status-message">Clock skew: the consumer started before the message was sent.</p>}
      <End name="Producer" end={edge.from} pageState={pageState} />
      <End name="Consumer" end={edge.to} pageState={pageState} />
      <dl class="pairs">
        <dt>Kind</dt>
        <dd>{ROLES[edge.role]}</dd>
        <dt>Connected by</dt>
        <dd>{VIAS[edge.via]}</dd>
        <Pair name="Topic" value={edge.topic} />
        <Pair name="Partition" value={edge.partition} />
        <Pair name="Offset" value={edge.offset} />
        <Pair name="Key" value={edge.key} />
        <Pair name="Consumer group" value={edge.consumerGroup} />
        {!Number.isNaN(from) && (
          <>
            <dt>Sent at</dt>
            <dd>{formatDuration(from)}</dd>
          </>
        )}
        {edge.queueTimeNano !== null && (
          <>
            <dt>Share</dt>
            <dd>{share < 0.01 ? '<1' : Math.round(share * 100)}% of end-to-end time</dd>
          </>
        )}
      </dl>
    </DetailsPanel>
  )
}

function Pair({ name, value }: { readonly name: string; readonly value: string }) {
  if (value === '') return null
  return (
    <>
      <dt>{name}</dt>
      <dd>
        <span class="text block">{sanitizeText(value, 300)}</span>
      </dd>
    </>
  )
}

function End(props: { readonly name: string; readonly end: FlowEdge['from']; readonly pageState: FlowPageState }) {
  const { end, pageState } = props
  return (
    <section class="edge-end" aria-label={props.name}>
      <h3 class="faint">{props.name}</h3>
      {end.laneId === null ? (
        <p class="missing">Not found: not sampled, expired, sent elsewhere, or not yet received.</p>
      ) : (
        <a class="link-end" href={selectionUrl(pageState, { span: end })}>
          <ServiceName name={end.service} />
          <Text class="operation">{end.name}</Text>
        </a>
      )}
    </section>
  )
}
