import type { LogsResponse, Span } from '@spanlink/api-schema'
import { formatAttribute } from '../../lib/format/attribute.ts'
import { formatOffset } from '../../lib/format/duration.ts'
import { severityClass, severityName } from '../../logs/severity.ts'
import { AttributeTable } from '../../components/details/attribute-table.tsx'
import { LongText } from '../../components/labels/labels.tsx'
import { Section } from '../../components/details/section.tsx'
import { useRequest } from '../../lib/resource.ts'

const MAX_RECORDS = 50

/**
 * Log records written during the span. Events that were received as log records are listed as
 * events.
 */
export function SpanLogs({ traceId, span }: { readonly traceId: string; readonly span: Span }) {
  const query = new URLSearchParams({ traceId, spanId: span.spanId, order: 'oldest', limit: String(MAX_RECORDS) })
  const { data } = useRequest<LogsResponse>(`api/logs?${query}`)
  const records = data?.logs.filter((record) => record.eventName === '') ?? []
  if (records.length === 0) return null
  return (
    <Section title="Logs" count={records.length} open>
      <ol class="events">
        {records.map((record, index) => (
          <li key={index} class={severityClass(record.severityNumber)}>
            <div class="event-head">
              <span class="event-time">
                {formatOffset(String(BigInt(record.timestampUnixNano) - BigInt(span.startTimeUnixNano)))}
              </span>
              <span class={`severity ${severityClass(record.severityNumber)}`}>
                {severityName(record.severityNumber, record.severityText)}
              </span>
              <LongText text={formatAttribute(record.body)} maxLength={300} />
            </div>
            {record.attributes.length > 0 && <AttributeTable attributes={record.attributes} />}
          </li>
        ))}
      </ol>
      <p class="none-line">
        <a href={`logs?traceId=${traceId}`}>
          {data?.nextCursor === undefined
            ? 'All logs of this trace'
            : `More than ${MAX_RECORDS}: all logs of this trace`}
        </a>
      </p>
    </Section>
  )
}
