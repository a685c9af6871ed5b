import type { LogRecord, SpanSource } from '@spanlink/api-schema'
import { useSignal } from '@preact/signals'
import type { ComponentProps } from 'preact'
import { formatAttribute } from '../lib/format/attribute.ts'
import { formatTime, formatTimeWithZone } from '../lib/format/time.ts'
import { severityClass, severityName } from './severity.ts'
import { sanitizeText } from '../lib/format/sanitize.ts'
import { traceUrl } from '../app/route.ts'
import { ServiceName, Text, LongText } from '../components/labels/labels.tsx'
import { AttributeTable } from '../components/details/attribute-table.tsx'

/** Maximum line count shown for a body; opening it shows all lines. */
const MAX_LINES = 1000

/** One record on a line; opening it shows all its fields. */
export function LogRow(props: {
  readonly record: LogRecord
  readonly source: SpanSource | undefined
  /** True if the records are from several days, or from a day other than today. */
  readonly showsDay: boolean
  /** Links an attribute to the records that share it. */
  readonly recordsWith: ComponentProps<typeof AttributeTable>['same']
}) {
  const { record, source } = props
  const isOpen = useSignal(false)
  const kind = severityClass(record.severityNumber)
  const time = formatTime(record.timestampUnixNano)
  const body = formatAttribute(record.body)
  const [line = '', ...rest] = body.split('\n', MAX_LINES)
  const more = rest.length
  return (
    <li class={kind}>
      <details onToggle={(event) => (isOpen.value = event.currentTarget.open)}>
        <summary class="bare">
          <time title={formatTimeWithZone(record.timestampUnixNano)}>{time.slice(props.showsDay ? 5 : 11, 23)}</time>
          <span class={`severity ${kind}`}>{severityName(record.severityNumber, record.severityText)}</span>
          <ServiceName name={record.service} />
          <span class="line">
            {record.eventName !== '' && <span class="tag">{sanitizeText(record.eventName, 60)}</span>}
            <Text class="body">{line.slice(0, 400)}</Text>
            {more > 0 && (
              <span class="faint">
                +{more.toLocaleString('en')} {more === 1 ? 'line' : 'lines'}
              </span>
            )}
          </span>
        </summary>
        {isOpen.value && (
          <div class="log-details">
            <p class="mono">
              <LongText text={body} maxLength={2000} />
            </p>
            {record.attributes.length > 0 && (
              <AttributeTable caption="Attributes" attributes={record.attributes} same={props.recordsWith} />
            )}
            {source !== undefined && source.resource.attributes.length > 0 && (
              <AttributeTable caption="Resource" attributes={source.resource.attributes} same={props.recordsWith} />
            )}
            <dl class="pairs mono">
              <dt>Time</dt>
              <dd>{record.timeUnixNano === '0' ? <span class="faint">observed only</span> : time}</dd>
              <dt>Observed</dt>
              <dd>
                {record.observedTimeUnixNano === '0' ? (
                  <span class="faint">unknown</span>
                ) : (
                  formatTime(record.observedTimeUnixNano)
                )}
              </dd>
              {record.traceId !== '' && (
                <>
                  <dt>Trace ID</dt>
                  <dd>
                    <a href={traceUrl(record.traceId, record.spanId)}>{record.traceId}</a>{' '}
                    <a href={`logs?traceId=${record.traceId}`}>View trace logs</a>
                  </dd>
                </>
              )}
            </dl>
          </div>
        )}
      </details>
      {record.traceId !== '' && (
        <a class="log-trace" href={traceUrl(record.traceId, record.spanId)} title="Open the span">
          Trace
        </a>
      )}
    </li>
  )
}
