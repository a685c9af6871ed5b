import type { QueryParams } from '../../clickhouse/store.ts'
import type { SpanRef } from '../links/span-ref.ts'

/**
 * SQL: settings of a query by ids. The older analyzer takes a quarter of the time for a dozen
 * columns, which dominated these queries.
 */
export const BY_IDS_SETTINGS = 'settings enable_analyzer = 0'

/** A part of a statement, such as a subquery for `in (…)`, and the parameters it needs. */
export type SqlPart = { readonly sql: string; readonly params: QueryParams }

/**
 * Ids in one field of a request: ClickHouse takes 128 KiB (`http_max_field_value_size`), and a
 * trace id is 35 bytes with quotes and comma.
 */
const IDS_PER_FIELD = 3_000

/**
 * Any number of ids of `bytes` bytes. Few ids are a parameter each: a list in one parameter needs a
 * subquery, which takes 1 to 2 ms.
 */
export function createIdList(name: string, ids: readonly string[], bytes: 8 | 16 = 16): SqlPart {
  if (ids.length > MAX_INLINE_IDS) {
    const { array, params } = createList(name, ids)
    return { sql: `select toFixedString(unhex(arrayJoin(${array})), ${bytes})`, params }
  }
  return {
    sql: ids.map((_, at) => `unhex({${name}${at}:String})`).join(', '),
    params: Object.fromEntries(ids.map((id, at) => [`${name}${at}`, id])),
  }
}

const MAX_INLINE_IDS = 16

/** Any number of UInt64. */
export function createNumberList(name: string, numbers: Iterable<bigint>): SqlPart {
  // As text: a number in an array would have to be written without quotes.
  const { array, params } = createList(name, Array.from(numbers, String))
  return { sql: `select toUInt64(arrayJoin(${array}))`, params }
}

/** Any number of trace ids, as a set of `trace_id`. Names of parameters begin with `name`. */
export function createTraceIdSet(name: string, traceIds: Iterable<string>): SqlPart {
  const { array, params } = createList(name, [...new Set(traceIds)])
  return { sql: `select toFixedString(unhex(arrayJoin(${array})), 16)`, params }
}

/** Any number of spans, as a set of `(trace_id, span_id)`. */
function createSpanRefSet(name: string, refs: readonly SpanRef[]): SqlPart {
  const traces = createList(
    `${name}Traces`,
    refs.map((ref) => ref.traceId),
  )
  const spans = createList(
    `${name}Spans`,
    refs.map((ref) => ref.spanId),
  )
  return {
    sql: `select toFixedString(unhex(ref.1), 16), toFixedString(unhex(ref.2), 8)
      from (select arrayJoin(arrayZip(${traces.array}, ${spans.array})) as ref)`,
    params: { ...traces.params, ...spans.params },
  }
}

/** Traces of these spans as a set of `trace_id`; the spans as a set of `(trace_id, span_id)`. */
export function createRefSets(refs: readonly SpanRef[]): {
  readonly traceIds: string
  readonly spans: string
  readonly params: QueryParams
} {
  const traces = createTraceIdSet(
    'traceIds',
    refs.map((ref) => ref.traceId),
  )
  const spans = createSpanRefSet('refs', refs)
  return { traceIds: traces.sql, spans: spans.sql, params: { ...traces.params, ...spans.params } }
}

function createList(name: string, values: readonly string[]): { readonly array: string; readonly params: QueryParams } {
  const fields: [string, string[]][] = []
  for (let from = 0; from === 0 || from < values.length; from += IDS_PER_FIELD) {
    fields.push([`${name}${fields.length}`, values.slice(from, from + IDS_PER_FIELD)])
  }
  return {
    array: `arrayConcat(${fields.map(([field]) => `{${field}:Array(String)}`).join(', ')})`,
    params: Object.fromEntries(fields),
  }
}
