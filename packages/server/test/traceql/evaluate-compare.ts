import type { MetricsCompare } from '../../src/traceql/syntax/ast.ts'
import { evaluate } from './evaluate.ts'
import { holds } from './evaluate-field.ts'
import type { TestAttributes, TestSpan, TestValue } from './spans.ts'

/**
 * Points by labels: `{"name":{"text":"x","type":"string"}}` -> interval -> the values it may have
 * (a quantile may lie between two).
 */
export type Expected = Map<string, Map<number, readonly number[]>>

/**
 * How often each value of each attribute is in the selection and in the baseline, counted span by
 * span.
 */
export function evaluateCompare(
  { source, selection, top, within }: MetricsCompare,
  spans: readonly TestSpan[],
  start: bigint,
  step: bigint,
  count: number,
): Expected {
  const found = evaluate(source, spans)
  const counts = new Map<string, number[]>()
  const add = (meta: string, field: string, label: Label | null, at: number): void => {
    const name = JSON.stringify({ __meta_type: { text: meta, type: 'string' }, [field]: label })
    const values = counts.get(name) ?? Array.from({ length: count }, () => 0)
    values[at] = (values[at] ?? 0) + 1
    counts.set(name, values)
  }
  for (const span of spans) {
    if (!found.get(span.traceId)?.some(({ spanIds }) => spanIds.includes(span.spanId))) continue
    const inTime = !within || (span.start > within.start && span.start <= within.end)
    const selected = inTime && (!selection.condition || holds(selection.condition, { span, trace: [span] }))
    const meta = selected ? 'selection' : 'baseline'
    const at = Number((span.start - start) / step)
    for (const [field, label] of attributesOf(span)) {
      add(meta, field, label, at)
      add(`${meta}_total`, field, null, at)
    }
  }
  return new Map(
    [...counts]
      .filter(([name, values]) => {
        const [meta, field, text] = labelsOf(name)
        if (text === null) return true
        const rivals = [...counts].filter(([other]) => {
          const [otherMeta, otherField, otherText] = labelsOf(other)
          return otherMeta === meta && otherField === field && otherText !== null
        })
        const ahead = rivals.filter(([other, theirs]) => {
          const [ours, others] = [total(values), total(theirs)]
          return others > ours || (others === ours && (labelsOf(other)[2] ?? '') < text)
        })
        return ahead.length < top
      })
      .map(([name, values]) => [name, new Map(values.map((value, at) => [at, [value]]))]),
  )
}

function labelsOf(name: string): [string, string, string | null] {
  const { __meta_type: meta, ...rest } = JSON.parse(name) as Record<string, Label | null>
  const [field, label] = Object.entries(rest)[0] ?? ['', null]
  return [meta?.text ?? '', field, label?.text ?? null]
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0)
}

type Label = { readonly text: string; readonly type: string }

function attributesOf(span: TestSpan): [string, Label][] {
  const types: Partial<Record<string, string>> = { bigint: 'int', number: 'float', boolean: 'bool' }
  const of = (scope: string, attributes: TestAttributes): [string, Label][] =>
    Object.entries(attributes).map(([key, value]) => [
      `${scope}.${key}`,
      { text: textOf(value), type: types[typeof value] ?? 'string' },
    ])
  const own: [string, string][] = [
    ['name', span.name],
    ['kind', span.kind],
    ['status', span.status],
    ['statusMessage', span.statusMessage],
    ['instrumentation:name', span.scope.name],
    ['instrumentation:version', span.scope.version],
  ]
  return [
    ...own.flatMap(([key, text]): [string, Label][] => (text === '' ? [] : [[key, { text, type: 'string' }]])),
    ...of('span', span.attributes),
    ...of('resource', span.resource),
    ...of('instrumentation', span.scope.attributes),
  ]
}

/** A list is kept as OTLP's JSON. */
function textOf(value: TestValue): string {
  return typeof value === 'object' ? JSON.stringify({ arrayValue: { values: value.map(anyValue) } }) : String(value)
}

function anyValue(value: string | bigint | number | boolean): object {
  switch (typeof value) {
    case 'bigint':
      return { intValue: String(value) }
    case 'number':
      return { doubleValue: value }
    case 'boolean':
      return { boolValue: value }
    default:
      return { stringValue: value }
  }
}
