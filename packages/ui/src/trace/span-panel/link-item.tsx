import type { LinkedSpan, SpanLink, TraceLink } from '@spanlink/api-schema'
import { describeMissingTarget } from '../model/missing-messages.ts'
import { follow, type LinkDirection } from '../follow-link.ts'
import { traceUrl, type Breadcrumb } from '../../app/route.ts'
import { onPlainClick } from '../../lib/url.ts'
import { CopyButton } from '../../components/buttons/copy-button.tsx'
import { Icon } from '../../components/buttons/icon.tsx'
import { Age, Text, SpanName, QueueTime } from '../../components/labels/labels.tsx'
import { Fact, Pair, RecordFacts } from '../../components/labels/facts.tsx'
import { AttributeTable } from '../../components/details/attribute-table.tsx'
import { Dropped } from '../../components/details/section.tsx'

/**
 * One link: the span at the other end, the Kafka topic, partition and offset, the queue time, and
 * the link to that span.
 */
export function LinkItem(props: {
  readonly direction: LinkDirection
  readonly from: Breadcrumb
  readonly traceId: string
  readonly spanId: string
  readonly end: LinkedSpan | null
  readonly link: SpanLink | TraceLink
  readonly showsCluster: boolean
}) {
  const { direction, end, link } = props
  return (
    <li class="link-item">
      {props.traceId === '' ? (
        <p class="faint">Link without a trace ID.</p>
      ) : (
        <a
          class="link-end"
          href={traceUrl(props.traceId, props.spanId)}
          onClick={onPlainClick(() => follow(props.from, props))}
        >
          <Icon name={direction === 'in' ? 'linkIn' : 'linkOut'} />
          {end === null ? (
            <span class="mono">{props.traceId.slice(0, 8)}…</span>
          ) : (
            <>
              <SpanName service={end.service} name={end.name} />
              {end.status === 'error' && <Icon name="error" label="Error" />}
            </>
          )}
        </a>
      )}
      {end === null && <p class="missing">{describeMissingTarget(link.flags)}</p>}
      <dl class="link-facts">
        {link.queueTimeNano !== null && (
          <Fact name="queue time" valueClass="queue">
            <QueueTime nanos={link.queueTimeNano} />
          </Fact>
        )}
        {end !== null && (
          <Fact name="started">
            <Age unixNano={end.startTimeUnixNano} />
          </Fact>
        )}
        <RecordFacts record={link.record} showsCluster={props.showsCluster} />
      </dl>
      <details class="link-more">
        <summary>
          {link.attributes.length} {link.attributes.length === 1 ? 'attribute' : 'attributes'}, ids{' '}
          <Dropped count={link.droppedAttributesCount} />
        </summary>
        {link.attributes.length > 0 && <AttributeTable attributes={link.attributes} />}
        <dl class="pairs mono">
          <Pair name="Trace ID">
            {props.traceId}
            <CopyButton value={props.traceId} label="Copy linked trace ID" />
          </Pair>
          <Pair name="Span ID">
            {props.spanId}
            <CopyButton value={props.spanId} label="Copy linked span ID" />
          </Pair>
          <Pair name="Trace state">
            {link.traceState === '' ? <span class="faint">none</span> : <Text>{link.traceState}</Text>}
          </Pair>
          <Pair name="Flags">0x{link.flags.toString(16).padStart(2, '0')}</Pair>
        </dl>
      </details>
    </li>
  )
}
