import type { LogRecord, SpanSource } from '@spanlink/contract'
import { useSignal } from '@preact/signals'
import { attributeText } from '../../model/attribute-text.ts'
import { exactTimeText } from '../../model/clock-text.ts'
import { severityClass, severityName } from '../../model/severity.ts'
import { visibleText } from '../../model/visible-text.ts'
import { traceUrl } from '../../state/route.ts'
import { Icon } from '../parts/icon.tsx'
import { ServiceName } from '../parts/service-name.tsx'
import { Text } from '../parts/text.tsx'
import { LongText } from '../trace/long-text.tsx'

/** One record on a line; all there is to it below, once opened. */
export function LogRow(props: {
  readonly record: LogRecord
  readonly source: SpanSource | undefined
  readonly onAttribute: (condition: string) => void
}) {
  const { record, source } = props
  const isOpen = useSignal(false)
  const kind = severityClass(record.severityNumber)
  const time = exactTimeText(record.timestampUnixNano)
  const body = attributeText(record.body)
  return (
    <li class={kind}>
      <details onToggle={(event) => (isOpen.value = event.currentTarget.open)}>
        <summary>
          <time title={time}>{time.slice(11, 23)}</time>
          <span class={`severity ${kind}`}>{severityName(record.severityNumber, record.severityText)}</span>
          <ServiceName name={record.service} />
          {record.eventName !== '' && <span class="tag">{visibleText(record.eventName, 60)}</span>}
          <Text class="body">{body.slice(0, 400)}</Text>
        </summary>
        {isOpen.value && (
          <div class="log-details">
            <p class="mono">
              <LongText text={body} most={2000} />
            </p>
            <Attributes title="Attributes" attributes={record.attributes} onAttribute={props.onAttribute} />
            {source !== undefined && (
              <Attributes title="Resource" attributes={source.resource.attributes} onAttribute={props.onAttribute} />
            )}
            <dl class="pairs mono">
              <dt>Time</dt>
              <dd>{record.timeUnixNano === '0' ? <span class="faint">observed only</span> : time}</dd>
              <dt>Observed</dt>
              <dd>
                {record.observedTimeUnixNano === '0' ? (
                  <span class="faint">not told</span>
                ) : (
                  exactTimeText(record.observedTimeUnixNano)
                )}
              </dd>
              {record.traceId !== '' && (
                <>
                  <dt>Trace id</dt>
                  <dd>
                    <a href={traceUrl(record.traceId, record.spanId)}>{record.traceId}</a>{' '}
                    <a href={`/logs?traceId=${record.traceId}`}>all its logs</a>
                  </dd>
                </>
              )}
            </dl>
          </div>
        )}
      </details>
      {record.traceId !== '' && (
        <a class="log-trace" href={traceUrl(record.traceId, record.spanId)} title="The span that wrote it">
          Trace
        </a>
      )}
    </li>
  )
}

function Attributes(props: {
  readonly title: string
  readonly attributes: LogRecord['attributes']
  readonly onAttribute: (condition: string) => void
}) {
  if (props.attributes.length === 0) return null
  return (
    <table class="attributes">
      <caption>{props.title}</caption>
      <tbody>
        {props.attributes.map(({ key, value }, index) => {
          const text = attributeText(value)
          return (
            <tr key={index}>
              <th scope="row">
                <Text>{key}</Text>
              </th>
              <td>
                <LongText text={text} most={600} />
              </td>
              <td class="copy-cell">
                {!key.includes('=') && text.length < 1000 && (
                  <button
                    type="button"
                    class="quiet"
                    aria-label={`Only records with this ${key.slice(0, 60)}`}
                    title="Only records with this value"
                    onClick={() => props.onAttribute(`${key}=${text}`)}
                  >
                    <Icon name="search" />
                  </button>
                )}
              </td>
            </tr>
          )
        })}
      </tbody>
    </table>
  )
}
