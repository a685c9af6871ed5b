import { ask } from './ask.ts'
import type { Field } from './ast.ts'
import { compileCondition } from './compile/condition.ts'
import { fromTraces } from './compile/from.ts'
import { createParams } from './compile/params.ts'
import { existsIn } from './compile/map-entry.ts'
import type { Row } from './compile/row.ts'
import { compileValue, entriesOf } from './compile/value.ts'
import { limits } from './limits.ts'
import type { Plan } from './plan.ts'
import type { Search } from './search.ts'

/** The spans of one trace in columns, in order of start: what structure and stages are worked out on. */
export type TraceRows = {
  readonly traceId: string
  readonly spanIds: readonly string[]
  /** '' for none. */
  readonly parentIds: readonly string[]
  readonly starts: readonly bigint[]
  /** Per condition of the plan: which spans match, one byte each. */
  readonly matches: readonly Uint8Array[]
  readonly numbers: readonly (readonly (number | null)[])[]
  readonly labels: readonly (readonly (string | null)[])[]
}

type Raw = { readonly trace: string; readonly id: string; readonly parent: string; readonly began: string } & Readonly<
  Record<string, string | number | null>
>

/**
 * Reads what the plan needs of whole traces; spans that nothing can be about are left out. Undefined when they have
 * more spans than may be read in one go.
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
    ...plan.conditions.map(
      (condition, at) => `toUInt8(${condition ? compileCondition(condition, row, 'exact') : '1'}) as m${at}`,
    ),
    ...plan.numbers.map((field, at) => `toFloat64(${compileValue(field, row).number ?? 'null'}) as n${at}`),
    ...plan.labels.map((field, at) => `${compileText(field, row)} as l${at}`),
  ]
  const where = plan.structural ? '' : `where ${plan.conditions.map((_, at) => `m${at}`).join(' or ') || '1'}`
  const rows = await ask<Raw>(
    search,
    `select ${columns.join(', ')} from ${from} ${where} order by s.trace_id, s.start, s.span_id
    limit ${params.add('UInt32', limits.chunkSpans + 1)}`,
    params,
  )
  if (rows.length <= limits.chunkSpans) return group(rows, plan)
  if (ids.length > 1) return undefined
  search.cuts.add(`Of trace ${ids[0]} only the first ${limits.chunkSpans} spans were looked at.`)
  return group(rows.slice(0, limits.chunkSpans), plan)
}

function group(rows: readonly Raw[], plan: Plan): Map<string, TraceRows> {
  const byTrace = new Map<string, Raw[]>()
  for (const row of rows) {
    const trace = byTrace.get(row.trace)
    if (trace) trace.push(row)
    else byTrace.set(row.trace, [row])
  }
  const traces = new Map<string, TraceRows>()
  for (const [traceId, spans] of byTrace) {
    traces.set(traceId, {
      traceId,
      spanIds: spans.map((span) => span.id),
      parentIds: spans.map((span) => span.parent),
      starts: spans.map((span) => BigInt(span.began)),
      matches: plan.conditions.map((_, at) => Uint8Array.from(spans, (span) => Number(span[`m${at}`]))),
      numbers: plan.numbers.map((_, at) => spans.map((span) => asNumber(span[`n${at}`]))),
      labels: plan.labels.map((_, at) => spans.map((span) => asText(span[`l${at}`]))),
    })
  }
  return traces
}

/** The one resource attribute that has a column on the span, so that grouping by it takes no join. */
export function isServiceName(field: Field): boolean {
  return field.kind === 'attribute' && field.scope === 'resource' && field.key === 'service.name' && !field.parent
}

/** A field's value as text, null where there is none. */
export function compileText(field: Field, row: Row): string {
  if (isServiceName(field) && row.source === undefined) return `nullIf(toString(${row.span}.service), '')`
  if (field.kind === 'attribute') {
    const found = entriesOf(field, row).map((entry) => `${existsIn(entry)}, ${entry.map}[${entry.key}]`)
    return `multiIf(${found.join(', ')}, null)`
  }
  const value = compileValue(field, row)
  const sql = value.string ?? value.number ?? value.boolean ?? value.status ?? value.kind ?? 'null'
  return value.boolean === undefined ? `toString(${sql})` : `if(${sql}, 'true', 'false')`
}

function asNumber(value: string | number | null | undefined): number | null {
  return value === null || value === undefined ? null : Number(value)
}

function asText(value: string | number | null | undefined): string | null {
  return value === null || value === undefined ? null : String(value)
}
