import { executeQuery } from './execute-query.ts'
import { queryWithParents } from './query-with-parents.ts'
import type { Field } from '../syntax/ast.ts'
import { joinTraceSpans, selectIds } from '../sql/from.ts'
import { type ColumnGroup, getRequiredColumns } from '../sql/required-columns.ts'
import { createParams } from '../sql/params.ts'
import { compileText, compileFieldTypeCode } from '../sql/text.ts'
import { describeField } from '../syntax/describe.ts'
import { needsTree } from '../evaluate/tree-fields.ts'
import type { Search } from './search.ts'
import { createSpanKey } from './trace-rows.ts'

export type ResultSpan = {
  readonly spanId: string
  readonly parentSpanId: string
  readonly service: string
  readonly name: string
  readonly kind: string
  readonly status: string
  /** Unix nanoseconds. */
  readonly startTimeUnixNano: string
  readonly durationNanos: string
  /** Fields that conditions and select() name, if the span has them. */
  readonly attributes: readonly ResultAttribute[]
}

type ResultAttribute = {
  /** As in a query: `span.http.method`, `.topic`, `trace:rootName`. */
  readonly field: string
  /** Type code as in `spans.attr_types`. */
  readonly type: string
  readonly value: string
}

type Raw = Omit<ResultSpan, 'attributes'> & {
  readonly traceId: string
  readonly values: readonly (readonly [string, string | null])[]
}

/** A span's nested-set number (evaluate/nested-set.ts). */
export type GetTreeNumber = (field: Field, traceId: string, spanKey: string) => number | null

/** Fetches the spans that a result shows, by trace and `createSpanKey`. */
export async function fetchResultSpans(
  search: Search,
  spans: ReadonlyMap<string, readonly string[]>,
  shown: readonly Field[],
  numberOfTree: GetTreeNumber,
): Promise<ReadonlyMap<string, ReadonlyMap<string, ResultSpan>>> {
  const storedFields = shown.filter((field) => !needsTree(field))
  const needs = getRequiredColumns(...storedFields)
  const rows = await queryWithParents(search, needs, [...spans.keys()], (hasSharedIds) =>
    queryResultSpans(search, spans, storedFields, needs, hasSharedIds),
  )
  const found = new Map<string, Map<string, ResultSpan>>()
  for (const raw of rows) {
    const trace = found.get(raw.traceId) ?? new Map<string, ResultSpan>()
    trace.set(getSpanKey(raw), toResultSpan(raw, shown, numberOfTree))
    found.set(raw.traceId, trace)
  }
  return found
}

function queryResultSpans(
  search: Search,
  spans: ReadonlyMap<string, readonly string[]>,
  storedFields: readonly Field[],
  needs: ReadonlySet<ColumnGroup>,
  hasSharedIds: boolean,
): Promise<Raw[]> {
  const params = createParams()
  const { from, row } = joinTraceSpans([...spans.keys()], needs, params, hasSharedIds)
  const wanted = selectIds([...new Set([...spans.values()].flat().map((key) => key.slice(0, 16)))], 8, params)
  const values = storedFields.map((field) => `(${compileFieldTypeCode(field, row)}, ${compileText(field, row)})`)
  return executeQuery<Raw>(
    search,
    `select lower(hex(s.trace_id)) as traceId, lower(hex(s.span_id)) as spanId,
      if(s.parent_span_id = toFixedString('', 8), '', lower(hex(s.parent_span_id))) as parentSpanId,
      s.service as service, s.name as name, s.kind as kind, s.status as status,
      s.start as startTimeUnixNano, s.duration as durationNanos,
      ${values.length > 0 ? `[${values.map((value) => `CAST(${value}, 'Tuple(String, Nullable(String))')`).join(', ')}]` : `[]`} as values
    from ${from} where s.span_id in (${wanted})`,
    params,
  )
}

function getSpanKey({ spanId, kind, service }: Raw): string {
  return createSpanKey(spanId, kind, service)
}

function toResultSpan(raw: Raw, shown: readonly Field[], numberOfTree: GetTreeNumber): ResultSpan {
  const { traceId, values, ...span } = raw
  const stored = values.values()
  const valueOf = (field: Field): readonly [string, string | null] => {
    if (!needsTree(field)) return stored.next().value ?? ['', null]
    const number = numberOfTree(field, traceId, getSpanKey(raw))
    return ['i', number === null ? null : String(number)]
  }
  return {
    ...span,
    attributes: shown.flatMap((field) => {
      const [type, value] = valueOf(field)
      return value === null ? [] : [{ field: describeField(field), type, value }]
    }),
  }
}
