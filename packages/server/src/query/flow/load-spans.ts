import type { QueryOptions, Store } from '../../store/store.ts'
import { NO_SPAN } from '../linked-span.ts'
import { byIds, traceIdSet } from '../messaging/id-parameters.ts'
import { ofTraces } from '../span-bucket.ts'
import type { FlowSpanRow } from './flow-span.ts'

/** Spans of one trace and of one flow that an answer looks at. */
const MAX_SPANS_OF_TRACE = 20_000
const MAX_SPANS = 100_000

export type LoadedSpans = {
  readonly rows: readonly FlowSpanRow[]
  /** There are more. */
  readonly cut: boolean
}

/** The spans of all these traces by key, one granule a trace and bucket; one that was sent twice may come twice. */
export async function loadSpans(
  store: Store,
  traceIds: readonly string[],
  options: QueryOptions,
): Promise<LoadedSpans> {
  if (traceIds.length === 0) return { rows: [], cut: false }
  const traces = traceIdSet('traceIds', traceIds)
  const rows = await store.query<SpanRow>(
    `select lower(hex(trace_id)) as traceId, lower(hex(span_id)) as spanId, lower(hex(parent_span_id)) as parentSpanId,
      service, name, kind, status, flags, start, toUInt64(start + duration) as finish,
      messaging_operation as operation, topic, partition, message_offset as offset, consumer_group as consumerGroup
    from spans
    where ${ofTraces(traces.sql)}
    limit {perTrace:UInt32} by trace_id
    limit {rows:UInt32}
    ${byIds}`,
    { ...traces.params, perTrace: MAX_SPANS_OF_TRACE + 1, rows: MAX_SPANS + 1 },
    options,
  )
  return { rows: rows.slice(0, MAX_SPANS).map(flowSpan), cut: rows.length > MAX_SPANS || isOneCut(rows) }
}

type SpanRow = Omit<FlowSpanRow, 'start' | 'end'> & { readonly start: string; readonly finish: string }

function flowSpan({ start: startText, finish, ...row }: SpanRow): FlowSpanRow {
  const start = BigInt(startText)
  const end = BigInt(finish)
  return {
    ...row,
    parentSpanId: row.parentSpanId === NO_SPAN ? '' : row.parentSpanId,
    offset: row.offset === '-1' ? '' : row.offset,
    start,
    end: end < start ? start : end,
  }
}

function isOneCut(rows: readonly SpanRow[]): boolean {
  if (rows.length <= MAX_SPANS_OF_TRACE) return false
  const counts = new Map<string, number>()
  for (const { traceId } of rows) counts.set(traceId, (counts.get(traceId) ?? 0) + 1)
  return [...counts.values()].some((count) => count > MAX_SPANS_OF_TRACE)
}
