import type { Span } from '@spanlink/api-schema'
import { formatTimeWithZone } from '../../lib/format/time.ts'
import { formatDurationNano, formatOffset } from '../../lib/format/duration.ts'
import { AttributeTable } from '../../components/details/attribute-table.tsx'
import { tracesWith } from './traces-with-attribute.ts'
import { LongText } from '../../components/labels/labels.tsx'
import { Dropped, Section } from '../../components/details/section.tsx'

export function SpanEvents({ startUnixNano, span }: { readonly startUnixNano: bigint; readonly span: Span }) {
  if (span.events.length === 0 && span.droppedEventsCount === 0) return null
  return (
    <Section title="Events" count={span.events.length} dropped={span.droppedEventsCount} open>
      <ol class="events">
        {span.events.map((event, index) => (
          <li key={index} class={event.name === 'exception' ? 'failed' : ''}>
            <div class="event-head">
              <span
                class="event-time"
                title={`${formatTimeWithZone(event.timeUnixNano)}, ${formatDurationNano((BigInt(event.timeUnixNano) - startUnixNano).toString())} after the first span`}
              >
                {formatOffset((BigInt(event.timeUnixNano) - BigInt(span.startTimeUnixNano)).toString())}
              </span>
              <LongText text={event.name} maxLength={160} />
              <Dropped count={event.droppedAttributesCount} />
            </div>
            {event.attributes.length > 0 && <AttributeTable attributes={event.attributes} same={tracesWith('event')} />}
          </li>
        ))}
      </ol>
    </Section>
  )
}
