import type { SpanEvent } from '@spanlink/api-schema'
import { decodeAttributes } from '../../otlp/wire/attributes.ts'
import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import { FEW_GRANULES_SETTINGS } from '../sql/span-bucket.ts'

/** Of one trace. */
const MAX_EVENTS = 10_000

/**
 * Fetches events of a trace's spans that were sent as log records with an event name: the successor
 * of span events
 * (https://github.com/open-telemetry/opentelemetry-specification/blob/main/oteps/4430-span-event-api-deprecation-plan.md).
 *
 * @returns by span id, in order of time
 */
export async function findLogEvents(
  store: Store,
  traceId: string,
  options: QueryOptions,
): Promise<ReadonlyMap<string, readonly SpanEvent[]>> {
  if (store.hasLogs?.() === false) return new Map()
  const rows = await store.query<EventRow>(
    `select lower(hex(span_id)) as spanId, timestamp as timeUnixNano, event_name as name,
      arrayZip(mapKeys(attrs), mapValues(attrs)) as attributes, dropped_attrs as droppedAttributesCount, attr_types as types
    from logs
    where trace_id = toFixedString(unhex({traceId:String}), 16) and event_name != ''
    order by timestamp
    limit ${MAX_EVENTS}
    ${FEW_GRANULES_SETTINGS}`,
    { traceId },
    options,
  )
  const bySpan = Map.groupBy(rows, ({ spanId }) => spanId)
  return new Map(Array.from(bySpan, ([spanId, ofSpan]) => [spanId, ofSpan.map(toSpanEvent)]))
}

type EventRow = Omit<SpanEvent, 'attributes'> & {
  readonly spanId: string
  readonly attributes: readonly (readonly [string, string])[]
  readonly types: string
}

function toSpanEvent({ spanId: _spanId, types, ...event }: EventRow): SpanEvent {
  return { ...event, attributes: decodeAttributes(event.attributes, types) }
}
