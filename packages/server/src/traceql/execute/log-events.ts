import type { Entries } from '../../query/trace-rows/trace-row.ts'
import type { FetchedSpan, SpanEvent } from '../evaluate/trace-span.ts'
import { selectTraceIds } from '../sql/from.ts'
import { createParams } from '../sql/params.ts'
import { executeQuery } from './execute-query.ts'
import { toAttributes } from './fetch-spans.ts'
import type { Search } from './search.ts'

type Row = {
  readonly traceId: string
  readonly spanId: string
  readonly time: string
  readonly name: string
  readonly attributes: Entries
  readonly types: string
}

/** Returns the events of a span that were sent as log records. */
export type GetLogEvents = (span: Pick<FetchedSpan, 'traceId' | 'spanId'>) => readonly SpanEvent[]

/** Fetches events of traces that were sent as log records: see sql/log-events.ts. */
export async function fetchLogEvents(search: Search, traceIds: readonly string[]): Promise<GetLogEvents> {
  const params = createParams()
  const rows = await executeQuery<Row>(
    search,
    `select lower(hex(trace_id)) as traceId, lower(hex(span_id)) as spanId, toString(timestamp) as time,
      event_name as name, arrayZip(mapKeys(attrs), mapValues(attrs)) as attributes, attr_types as types
    from logs where trace_id in ${selectTraceIds(traceIds, params)} and event_name != ''`,
    params,
  )
  const bySpan = Map.groupBy(rows, ({ traceId, spanId }) => traceId + spanId)
  return ({ traceId, spanId }) =>
    (bySpan.get(traceId + spanId) ?? []).map(({ time, name, attributes, types }) => ({
      time: BigInt(time),
      name,
      attributes: toAttributes(attributes, types),
    }))
}
