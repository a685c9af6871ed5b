import type { LinkedSpan, SpanLink, TraceLink } from '@spanlink/api-schema'
import { formatDurationNano } from '../../lib/format/duration.ts'
import { describeMissingTarget } from '../model/missing-messages.ts'
import { follow, type LinkDirection } from '../follow-link.ts'
import { traceUrl, type Breadcrumb } from '../../app/route.ts'
import { isPlainClick } from '../../lib/url.ts'
import { CopyButton } from '../../components/buttons/copy-button.tsx'
import { Icon } from '../../components/buttons/icon.tsx'
import { Age } from '../../components/labels/age.tsx'
import { RecordFacts } from '../../components/labels/record-facts.tsx'
import { ServiceName } from '../../components/labels/service-name.tsx'
import { Text } from '../../components/labels/text.tsx'
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
          onClick={(event) => {
            if (!isPlainClick(event)) return
            event.preventDefault()
            follow(props.from, props)
          }}
        >
          <Icon name={direction === 'in' ? 'linkIn' : 'linkOut'} />
          {end === null ? (
            <span class="mono">{props.traceId.slice(0, 8)}…</span>
          ) : (
            <>
              <ServiceName name={end.service} />
              <Text class="operation">{end.name}</Text>
              {end.status === 'error' && <Icon name="error" label="Error" />}
            </>
          )}
        </a>
      )}
      {end === null && <p class="missing">{describeMissingTarget(link.flags)}</p>}
      <dl class="link-facts">
        {link.queueTimeNano !== null && (
          <div>
            <dt>queue time</dt>
            <dd class="queue">
              {formatDurationNano(link.queueTimeNano)}
              {link.queueTimeNano.startsWith('-') && (
                <span class="tag warn" title="Clock skew: the consumer started before the message was sent">
                  clock skew
                </span>
              )}
            </dd>
          </div>
        )}
        {end !== null && (
          <div>
            <dt>started</dt>
            <dd>
              <Age unixNano={end.startTimeUnixNano} />
            </dd>
          </div>
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
          <dt>Trace ID</dt>
          <dd>
            {props.traceId}
            <CopyButton value={props.traceId} label="Copy linked trace ID" />
          </dd>
          <dt>Span ID</dt>
          <dd>
            {props.spanId}
            <CopyButton value={props.spanId} label="Copy linked span ID" />
          </dd>
          <dt>Trace state</dt>
          <dd>{link.traceState === '' ? <span class="faint">none</span> : <Text>{link.traceState}</Text>}</dd>
          <dt>Flags</dt>
          <dd>0x{link.flags.toString(16).padStart(2, '0')}</dd>
        </dl>
      </details>
    </li>
  )
}
