import type { JoinedWith } from '@spanlink/api-schema'
import { flowUrl, type FlowPageState } from '../flow-url.ts'
import { Age, SpanName } from '../../components/labels/labels.tsx'
import { Icon } from '../../components/buttons/icon.tsx'
import { formatEventCount } from '../model/flow-messages.ts'
import type { FlowProps } from '../flow-view.ts'

/**
 * Lists the events that caused the opened trace if it is, or follows, a batch. The flow shows the
 * first one.
 */
export function FlowOrigins({ view, pageState }: FlowProps) {
  const { origins, originCount } = view.model.value.response
  if (originCount < 2) return null
  return (
    <details class="flow-origins">
      <summary>
        <Icon name="linkOut" />
        Caused by {originCount.toLocaleString('en')} events
        <span class="faint">{pageState.joined ? 'all loaded' : 'showing the first'}</span>
      </summary>
      <ul>
        {origins.map((origin, index) => (
          <li key={origin.traceId}>
            <a href={flowUrl(origin.traceId)} aria-current={index === 0 ? 'true' : undefined}>
              <EventName service={origin.rootService} name={origin.rootName} traceId={origin.traceId} />
              {origin.startTimeUnixNano !== '0' && <Age unixNano={origin.startTimeUnixNano} />}
              {index === 0 && <span class="tag">shown</span>}
            </a>
          </li>
        ))}
      </ul>
      {origins.length < originCount && (
        <p class="faint">and {(originCount - origins.length).toLocaleString('en')} more</p>
      )}
    </details>
  )
}

/** Other events whose messages were consumed in the same batch as messages of this flow. */
export function JoinedEvents(props: { readonly joined: JoinedWith; readonly pageState: FlowPageState }) {
  const { joined, pageState } = props
  return (
    <section class="link-list" aria-label="Joined with">
      <h3>
        <Icon name="linkOut" />
        Joined with {formatEventCount(joined.count)}
      </h3>
      {!pageState.joined && (
        <p class="panel-actions">
          <a class="button" href={flowUrl(pageState.traceId, { ...pageState, joined: true })}>
            Load into this flow
          </a>
        </p>
      )}
      <ul>
        {joined.examples.map(({ traceId, spanId, rootService, rootName }) => (
          <li key={`${traceId}${spanId}`} class="link-item">
            <a class="link-end" href={flowUrl(traceId, { span: { traceId, spanId } })}>
              <EventName service={rootService} name={rootName} traceId={traceId} />
            </a>
          </li>
        ))}
      </ul>
    </section>
  )
}

function EventName(props: { readonly service: string; readonly name: string; readonly traceId: string }) {
  if (props.service === '' && props.name === '') {
    return (
      <>
        <code>{props.traceId.slice(0, 8)}…</code>
        <span class="faint">not found</span>
      </>
    )
  }
  return <SpanName service={props.service} name={props.name} />
}
