import type { Params } from './params.ts'

/*
 * Events of spans that were sent as log records with an event name: the successor of span events
 * (https://github.com/open-telemetry/opentelemetry-specification/blob/main/oteps/4430-span-event-api-deprecation-plan.md).
 */

/** A log record as one element of `spans.events`. */
const EVENT_TUPLE = `cast((timestamp, event_name, attrs, attr_types), 'Tuple(time UInt64,
  name LowCardinality(String), attrs Map(LowCardinality(String), String), attr_types LowCardinality(String))')`

/** Selects trace, span and one event `e` per row. */
export function selectLogEventRows(where: string): string {
  return `select trace_id, span_id, ${EVENT_TUPLE} as e from logs where event_name != '' and ${where}`
}

/** With another clock, an event may be dated before its span starts. */
const CLOCK_SKEW_NANO = 3_600_000_000_000n

/** A condition on `logs` for events of spans that start at or after `start`. */
export function filterLogsByWindow(start: bigint, params: Params): string {
  const from = params.add('UInt64', String(start > CLOCK_SKEW_NANO ? start - CLOCK_SKEW_NANO : 0n))
  return `intDiv(timestamp, 600000000000) >= intDiv(${from}, 600000000000)`
}
