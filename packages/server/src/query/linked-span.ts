import type { LinkedSpan } from '@spanlink/contract'
import type { QueryOptions, QueryParams, Store } from '../store/store.ts'
import { fewGranules, ofTraces, traceIdsOf } from './span-bucket.ts'

export type SpanRef = { readonly traceId: string; readonly spanId: string }

/** What the store keeps for a link that names no trace or span, and for the parent of a root. */
export const NO_TRACE = '0'.repeat(32)
export const NO_SPAN = '0'.repeat(16)

export type LinkedSpanRow = Pick<LinkedSpan, 'service' | 'name' | 'kind' | 'status'> & {
  readonly start: string
  readonly finish: string
}

/** Columns of a `LinkedSpanRow`, in `spans` as in `span_links`. `end` is a word of SQL's. */
export const linkedSpanColumns = 'service, name, kind, status, start, toUInt64(start + duration) as finish'

export function linkedSpan(row: LinkedSpanRow): LinkedSpan {
  const { service, name, kind, status } = row
  return { service, name, kind, status, startTimeUnixNano: row.start, endTimeUnixNano: row.finish }
}

/** Looks up spans of any traces at once; those that aren't here are absent from the answer. Keyed by `refKey`. */
export async function findLinkedSpans(
  store: Store,
  refs: Iterable<SpanRef>,
  options: QueryOptions,
): Promise<ReadonlyMap<string, LinkedSpan>> {
  const unique = [...new Map(Array.from(refs, (ref) => [refKey(ref), ref])).values()]
  const found = new Map<string, LinkedSpan>()
  for (let from = 0; from < unique.length; from += REFS_AT_ONCE) {
    const some = unique.slice(from, from + REFS_AT_ONCE)
    const traceIds = [...new Set(some.map((ref) => ref.traceId))]
    const few = some.length <= FEW
    const spanIds = some.map((ref) => ref.spanId)
    const rows = await store.query<SpanRef & LinkedSpanRow>(
      `select lower(hex(trace_id)) as traceId, lower(hex(span_id)) as spanId, ${linkedSpanColumns}
      from spans
      where ${ofTraces(few ? idList('t', traceIds) : traceIdsOf('traceIds'))}
        and span_id in (${few ? idList('s', spanIds) : `select toFixedString(unhex(arrayJoin({spanIds:Array(String)})), 8)`})
      limit 1 by trace_id, span_id
      ${fewGranules}`,
      few ? { ...idParams('t', traceIds), ...idParams('s', spanIds) } : { traceIds, spanIds },
      options,
    )
    for (const row of rows) found.set(refKey(row), linkedSpan(row))
  }
  return found
}

/** Ids that are parameters each: as a list in one, they would take subqueries, of a millisecond or two. */
const FEW = 16

function idList(name: string, ids: readonly string[]): string {
  return ids.map((_, at) => `unhex({${name}${at}:String})`).join(', ')
}

function idParams(name: string, ids: readonly string[]): QueryParams {
  return Object.fromEntries(ids.map((id, at) => [`${name}${at}`, id]))
}

// ClickHouse takes 128 KiB a parameter (`http_max_field_value_size`), and a trace id is 35 bytes with quotes and comma.
const REFS_AT_ONCE = 3_000

export function refKey(ref: SpanRef): string {
  return ref.traceId + ref.spanId
}

/** End of the producing span to start of the consuming span. Negative when their clocks disagree. */
export function queueTime(
  produced: LinkedSpan | null | undefined,
  consumed: LinkedSpan | null | undefined,
): string | null {
  if (!produced || !consumed) return null
  return String(BigInt(consumed.startTimeUnixNano) - BigInt(produced.endTimeUnixNano))
}
