import type { FlowEdge } from '@spanlink/api-schema'
import { sanitizeText } from '../../lib/format/sanitize.ts'
import type { PlacedEdge } from '../model/placed-flow.ts'
import { formatDuration } from '../../lib/format/duration.ts'
import { selectionUrl, type FlowPageState } from '../flow-url.ts'
import { DetailsPanel } from '../../components/details/details-panel.tsx'
import { closeDetails } from '../flow-selection.ts'
import { Text, SpanName } from '../../components/labels/labels.tsx'
import { formatQueueTime } from '../model/flow-messages.ts'
import { Pair } from '../../components/labels/facts.tsx'
import type { FlowProps } from '../flow-view.ts'

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

export function EdgeDetails(props: FlowProps & { readonly edge: PlacedEdge }) {
  const { view, pageState } = props
  const { edge, from } = props.edge
  const { duration } = view.model.value
  const isNegative = edge.queueTimeNano?.startsWith('-') === true
  const share = duration === 0 ? 0 : Math.abs(Number(edge.queueTimeNano ?? 0)) / duration
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
        <Pair name="Kind">{ROLES[edge.role]}</Pair>
        <Pair name="Connected by">{VIAS[edge.via]}</Pair>
        <TextPair name="Topic" value={edge.topic} />
        <TextPair name="Partition" value={edge.partition} />
        <TextPair name="Offset" value={edge.offset} />
        <TextPair name="Key" value={edge.key} />
        <TextPair name="Consumer group" value={edge.consumerGroup} />
        {!Number.isNaN(from) && <Pair name="Sent at">{formatDuration(from)}</Pair>}
        {edge.queueTimeNano !== null && (
          <Pair name="Share">{share < 0.01 ? '<1' : Math.round(share * 100)}% of end-to-end time</Pair>
        )}
      </dl>
    </DetailsPanel>
  )
}

function TextPair({ name, value }: { readonly name: string; readonly value: string }) {
  if (value === '') return null
  return (
    <Pair name={name}>
      <span class="text block">{sanitizeText(value, 300)}</span>
    </Pair>
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
          <SpanName service={end.service} name={end.name} />
        </a>
      )}
    </section>
  )
}
