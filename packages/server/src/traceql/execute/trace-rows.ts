import type { SpanKind } from '@spanlink/api-schema'
import { namedParents } from '../../query/traces/span-parents.ts'
import { ask } from './execute-query.ts'
import type { Field } from '../syntax/ast.ts'
import { compileCondition } from '../sql/condition.ts'
import { fromTraces } from '../sql/from.ts'
import { createParams } from '../sql/params.ts'
import type { Row } from '../sql/row.ts'
import { compileText, labelLetter } from '../sql/text.ts'
import { compileOperand } from '../sql/value.ts'
import { nestedSetOf } from '../evaluate/nested-set.ts'
import { treeOf } from '../evaluate/structure.ts'
import { conditionHolds, isOfTree, labelAt, numberAt, type Parts, type Place } from '../evaluate/tree-fields.ts'
import { type Label, labelOf } from '../metrics/labels.ts'
import { limits } from '../limits.ts'
import type { Plan } from '../analyze/plan.ts'
import type { Search } from './search.ts'

/**
 * The spans of one trace in columns, in order of start: what structure and stages are worked out
 * on.
 */
export type TraceRows = {
  readonly traceId: string
  readonly spanIds: readonly string[]
  /** What tells spans apart, `spanKeyOf`: several may share an id. */
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
export function spanKeyOf(spanId: string, kind: string, service: string): string {
  return `${spanId} ${kind} ${service}`
}

type Raw = {
  readonly trace: string
  readonly id: string
  readonly parent: string
  readonly began: string
  readonly span_kind: SpanKind
  readonly service_name: string
} & Readonly<Record<string, string | number | null>>

/**
 * Reads what the plan needs of whole traces; spans that nothing can be about are left out.
 * Undefined when they have more spans than may be read in one go.
 */
export async function readTraces(
  search: Search,
  plan: Plan,
  ids: readonly string[],
): Promise<Map<string, TraceRows> | undefined> {
  const params = createParams()
  const { from, row } = fromTraces(ids, plan.needs, params)
  const columns = [
    'lower(hex(s.trace_id)) as trace',
    'lower(hex(s.span_id)) as id',
    `if(s.parent_span_id = toFixedString('', 8), '', lower(hex(s.parent_span_id))) as parent`,
    'toString(s.start) as began',
    'toString(s.kind) as span_kind',
    's.service as service_name',
    ...plan.conditions.flatMap((field, at) => (isOfTree(field) ? [] : `${test(field, row)} as m${at}`)),
    ...plan.numbers.flatMap((field, at) => (isOfTree(field) ? [] : `${number(field, row)} as n${at}`)),
    ...plan.labels.flatMap((field, at) =>
      isOfTree(field) ? [] : [`${compileText(field, row)} as l${at}`, `${labelLetter(field, row)} as t${at}`],
    ),
    ...plan.parts.conditions.map((field, at) => `${test(field, row)} as c${at}`),
    ...plan.parts.numbers.map((field, at) => `${number(field, row)} as v${at}`),
  ]
  const where = plan.structural ? '' : `where ${plan.conditions.map((_, at) => `m${at}`).join(' or ') || '1'}`
  const rows = await ask<Raw>(
    search,
    `select ${columns.join(', ')} from ${from} ${where} order by s.trace_id, s.start, s.span_id, s.kind, s.service
    limit ${params.add('UInt32', limits.chunkSpans + 1)}`,
    params,
  )
  if (rows.length <= limits.chunkSpans) return group(rows, plan)
  if (ids.length > 1) return undefined
  search.cuts.add(`Of trace ${ids[0]} only the first ${limits.chunkSpans} spans were looked at.`)
  return group(rows.slice(0, limits.chunkSpans), plan)
}

function test(condition: Field | undefined, row: Row): string {
  return `toUInt8(${condition ? compileCondition(condition, row, 'exact') : '1'})`
}

function number(field: Field, row: Row): string {
  return `toFloat64(${compileOperand(field, row).number ?? 'null'})`
}

function group(rows: readonly Raw[], plan: Plan): Map<string, TraceRows> {
  const byTrace = new Map<string, Raw[]>()
  for (const row of rows) {
    const trace = byTrace.get(row.trace)
    if (trace) trace.push(row)
    else byTrace.set(row.trace, [row])
  }
  const traces = new Map<string, TraceRows>()
  for (const [traceId, spans] of byTrace) traces.set(traceId, columnsOf(traceId, spans, plan))
  return traces
}

function columnsOf(traceId: string, spans: readonly Raw[], plan: Plan): TraceRows {
  const spanIds = spans.map((span) => span.id)
  const parentIds = spans.map((span) => span.parent)
  const parents = namedParents(
    spans.map(({ id, parent, span_kind, service_name }) => ({
      spanId: id,
      parentSpanId: parent,
      kind: span_kind,
      service: service_name,
    })),
  )
  const places = plan.needs.has('tree') ? placesOf(spans, plan.parts, { parents, parentIds }) : []
  return {
    traceId,
    spanIds,
    keys: spans.map((span) => spanKeyOf(span.id, span.span_kind, span.service_name)),
    parentIds,
    parents,
    starts: spans.map((span) => BigInt(span.began)),
    matches: plan.conditions.map((field, at) =>
      isOfTree(field)
        ? Uint8Array.from(places, (place) => (conditionHolds(field, place) ? 1 : 0))
        : Uint8Array.from(spans, (span) => Number(span[`m${at}`])),
    ),
    numbers: plan.numbers.map((field, at) =>
      isOfTree(field) ? places.map((place) => numberAt(field, place)) : spans.map((span) => asNumber(span[`n${at}`])),
    ),
    labels: plan.labels.map((field, at) =>
      isOfTree(field)
        ? places.map((place) => labelAt(field, place))
        : spans.map((span) => labelOf(asText(span[`l${at}`]), asText(span[`t${at}`]))),
    ),
  }
}

function placesOf(
  spans: readonly Raw[],
  { conditions, numbers }: Parts,
  ids: Pick<TraceRows, 'parents' | 'parentIds'>,
): readonly Place[] {
  const nested = nestedSetOf(treeOf(ids))
  const [conditionAt, numberColumn] = [conditions, numbers].map((parts) => new Map(parts.map((part, at) => [part, at])))
  return spans.map((span, at) => ({
    condition: (part) => {
      const column = conditionAt?.get(part)
      return column === undefined ? undefined : Number(span[`c${column}`]) === 1
    },
    number: (part) => {
      const column = numberColumn?.get(part)
      return column === undefined ? undefined : asNumber(span[`v${column}`])
    },
    nested: (name) => nested[name][at] ?? 0,
  }))
}

function asNumber(value: string | number | null | undefined): number | null {
  return value === null || value === undefined ? null : Number(value)
}

function asText(value: string | number | null | undefined): string | null {
  return value === null || value === undefined ? null : String(value)
}
