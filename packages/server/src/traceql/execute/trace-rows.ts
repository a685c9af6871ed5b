import type { SpanKind } from '@spanlink/api-schema'
import { resolveParents } from '../../query/traces/span-parents.ts'
import { executeQuery } from './execute-query.ts'
import { queryWithParents } from './query-with-parents.ts'
import type { Field } from '../syntax/ast.ts'
import { compileCondition } from '../sql/condition.ts'
import { joinTraceSpans } from '../sql/from.ts'
import { createParams } from '../sql/params.ts'
import type { Row } from '../sql/row.ts'
import { compileText, compileLabelTypeCode } from '../sql/text.ts'
import { compileOperand } from '../sql/value.ts'
import { numberNestedSet } from '../evaluate/nested-set.ts'
import { buildTree } from '../evaluate/structure.ts'
import {
  evaluateCondition,
  needsTree,
  evaluateLabel,
  evaluateNumber,
  type Parts,
  type SpanValues,
} from '../evaluate/tree-fields.ts'
import { type Label, toLabel } from '../metrics/labels.ts'
import { limits } from '../limits.ts'
import type { Plan } from '../analyze/plan.ts'
import type { Search } from './search.ts'

/**
 * The spans of one trace in columns, by start: the input of structure and stages.
 */
export type TraceRows = {
  readonly traceId: string
  readonly spanIds: readonly string[]
  /** `createSpanKey` of each span: several may share an id. */
  readonly keys: readonly string[]
  /** '' for none. */
  readonly parentIds: readonly string[]
  /** Index of the parent; below 0 for none or one that is missing. */
  readonly parents: Int32Array
  readonly starts: readonly bigint[]
  /** Per condition of the plan: which spans match, one byte each. */
  readonly matches: readonly Uint8Array[]
  readonly numbers: readonly (readonly (number | null)[])[]
  readonly labels: readonly (readonly (Label | null)[])[]
}

/** Identity of a span in its trace; the id comes first. */
export function createSpanKey(spanId: string, kind: string, service: string): string {
  return `${spanId} ${kind} ${service}`
}

type Raw = {
  readonly trace: string
  readonly id: string
  readonly parent: string
  readonly start_time: string
  readonly span_kind: SpanKind
  readonly service_name: string
  readonly [test: `m${number}` | `c${number}`]: number
  readonly [number: `n${number}` | `v${number}`]: number | null
  readonly [label: `l${number}` | `t${number}`]: string | null
}

/**
 * Fetches what the plan reads of whole traces, without spans that cannot match. Undefined above
 * `limits.chunkSpans`.
 */
export async function fetchTraceRows(
  search: Search,
  plan: Plan,
  ids: readonly string[],
): Promise<Map<string, TraceRows> | undefined> {
  const rows = await queryWithParents(search, plan.requiredColumns, ids, (hasSharedIds) =>
    queryTraceRows(search, plan, ids, hasSharedIds),
  )
  if (rows.length <= limits.chunkSpans) return groupByTrace(rows, plan)
  if (ids.length > 1) return undefined
  search.warnings.add(`Searched only the first ${limits.chunkSpans} spans of trace ${ids[0]}.`)
  return groupByTrace(rows.slice(0, limits.chunkSpans), plan)
}

function queryTraceRows(search: Search, plan: Plan, ids: readonly string[], hasSharedIds: boolean): Promise<Raw[]> {
  const params = createParams()
  const { from, row } = joinTraceSpans(ids, plan.requiredColumns, params, hasSharedIds)
  const columns = [
    'lower(hex(s.trace_id)) as trace',
    'lower(hex(s.span_id)) as id',
    `if(s.parent_span_id = toFixedString('', 8), '', lower(hex(s.parent_span_id))) as parent`,
    'toString(s.start) as start_time',
    'toString(s.kind) as span_kind',
    's.service as service_name',
    ...plan.conditions.flatMap((field, at) => (needsTree(field) ? [] : `${compileTest(field, row)} as m${at}`)),
    ...plan.numbers.flatMap((field, at) => (needsTree(field) ? [] : `${compileNumber(field, row)} as n${at}`)),
    ...plan.labels.flatMap((field, at) =>
      needsTree(field) ? [] : [`${compileText(field, row)} as l${at}`, `${compileLabelTypeCode(field, row)} as t${at}`],
    ),
    ...plan.parts.conditions.map((field, at) => `${compileTest(field, row)} as c${at}`),
    ...plan.parts.numbers.map((field, at) => `${compileNumber(field, row)} as v${at}`),
  ]
  const where = plan.needsStructure ? '' : `where ${plan.conditions.map((_, at) => `m${at}`).join(' or ') || '1'}`
  return executeQuery<Raw>(
    search,
    `select ${columns.join(', ')} from ${from} ${where} order by s.trace_id, s.start, s.span_id, s.kind, s.service
    limit ${params.add('UInt32', limits.chunkSpans + 1)}`,
    params,
  )
}

function compileTest(condition: Field | undefined, row: Row): string {
  return `toUInt8(${condition ? compileCondition(condition, row, 'exact') : '1'})`
}

function compileNumber(field: Field, row: Row): string {
  return `toFloat64(${compileOperand(field, row).number ?? 'null'})`
}

function groupByTrace(rows: readonly Raw[], plan: Plan): Map<string, TraceRows> {
  const byTrace = Map.groupBy(rows, (row) => row.trace)
  return new Map(Array.from(byTrace, ([traceId, spans]) => [traceId, toTraceRows(traceId, spans, plan)]))
}

function toTraceRows(traceId: string, spans: readonly Raw[], plan: Plan): TraceRows {
  const spanIds = spans.map((span) => span.id)
  const parentIds = spans.map((span) => span.parent)
  const parents = resolveParents(
    spans.map(({ id, parent, span_kind, service_name }) => ({
      spanId: id,
      parentSpanId: parent,
      kind: span_kind,
      service: service_name,
    })),
  )
  const spanValues = plan.requiredColumns.has('tree') ? toSpanValues(spans, plan.parts, { parents, parentIds }) : []
  return {
    traceId,
    spanIds,
    keys: spans.map((span) => createSpanKey(span.id, span.span_kind, span.service_name)),
    parentIds,
    parents,
    starts: spans.map((span) => BigInt(span.start_time)),
    matches: plan.conditions.map((field, at) =>
      needsTree(field)
        ? Uint8Array.from(spanValues, (values) => (evaluateCondition(field, values) ? 1 : 0))
        : Uint8Array.from(spans, (span) => Number(span[`m${at}`])),
    ),
    numbers: plan.numbers.map((field, at) =>
      needsTree(field)
        ? spanValues.map((values) => evaluateNumber(field, values))
        : spans.map((span) => toNumberOrNull(span[`n${at}`])),
    ),
    labels: plan.labels.map((field, at) =>
      needsTree(field)
        ? spanValues.map((values) => evaluateLabel(field, values))
        : spans.map((span) => toLabel(span[`l${at}`], span[`t${at}`])),
    ),
  }
}

function toSpanValues(
  spans: readonly Raw[],
  { conditions, numbers }: Parts,
  ids: Pick<TraceRows, 'parents' | 'parentIds'>,
): readonly SpanValues[] {
  const nested = numberNestedSet(buildTree(ids))
  const [conditionAt, numberColumn] = [conditions, numbers].map((parts) => new Map(parts.map((part, at) => [part, at])))
  return spans.map((span, at) => ({
    condition: (part) => {
      const column = conditionAt?.get(part)
      return column === undefined ? undefined : Number(span[`c${column}`]) === 1
    },
    number: (part) => {
      const column = numberColumn?.get(part)
      return column === undefined ? undefined : toNumberOrNull(span[`v${column}`])
    },
    nested: (name) => nested[name][at] ?? 0,
  }))
}

function toNumberOrNull(value: number | null | undefined): number | null {
  return value === null || value === undefined ? null : Number(value)
}
