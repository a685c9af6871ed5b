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
  const rows = await store.query<EventRow>(
    `select lower(hex(span_id)) as spanId, timestamp, event_name as name, dropped_attrs as droppedAttributes,
      arrayZip(mapKeys(attrs), mapValues(attrs)) as attributes, attr_types as attributeTypes
    from logs
    where trace_id = toFixedString(unhex({traceId:String}), 16) and event_name != ''
    order by timestamp
    limit ${MAX_EVENTS}
    ${FEW_GRANULES_SETTINGS}`,
    { traceId },
    options,
  )
  const events = new Map<string, SpanEvent[]>()
  for (const row of rows) {
    const event = {
      timeUnixNano: row.timestamp,
      name: row.name,
      attributes: decodeAttributes(row.attributes, row.attributeTypes),
      droppedAttributesCount: row.droppedAttributes,
    }
    const known = events.get(row.spanId)
    if (known === undefined) events.set(row.spanId, [event])
    else known.push(event)
  }
  return events
}

type EventRow = {
  readonly spanId: string
  readonly timestamp: string
  readonly name: string
  readonly attributes: readonly (readonly [string, string])[]
  readonly attributeTypes: string
  readonly droppedAttributes: number
}
