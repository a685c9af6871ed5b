import type { Field, Metrics, MetricsAggregate, SecondStage } from '../../src/query/traceql/ast.ts'
import { describeField } from '../../src/query/traceql/describe.ts'
import { evaluate } from './evaluate.ts'
import { evaluateCompare } from './evaluate-compare.ts'
import { valueOf } from './evaluate-field.ts'
import type { TestSpan } from './spans.ts'

/** Points by labels: `{"name":"x"}` -> interval -> the values it may have (a quantile may lie between two). */
export type Expected = Map<string, Map<number, readonly number[]>>

export function evaluateMetrics(
  metrics: Metrics,
  spans: readonly TestSpan[],
  start: bigint,
  step: bigint,
  count: number,
): Expected {
  if (metrics.kind === 'number') return new Map([['{}', new Map(range(count).map((at) => [at, [metrics.value]]))]])
  if (metrics.kind === 'aggregate') {
    return metrics.second.reduce(applySecond, aggregate(metrics, spans, start, step, count))
  }
  if (metrics.kind === 'compare') return evaluateCompare(metrics, spans, start, step, count)
  const left = evaluateMetrics(metrics.left, spans, start, step, count)
  const right = evaluateMetrics(metrics.right, spans, start, step, count)
  const result: Expected = new Map()
  for (const name of new Set([...left.keys(), ...right.keys()])) {
    const a = left.get(name) ?? (left.size === 1 ? left.get('{}') : undefined)
    const b = right.get(name) ?? (right.size === 1 ? right.get('{}') : undefined)
    const points = new Map<number, readonly number[]>()
    for (const [at, [value = Number.NaN]] of a ?? []) {
      const other = b?.get(at)?.[0] ?? Number.NaN
      const combined = {
        '+': value + other,
        '-': value - other,
        '*': value * other,
        '/': value / other,
        '%': value % other,
        '^': value ** other,
      }[metrics.op]
      if (Number.isFinite(combined)) points.set(at, [combined])
    }
    if (points.size > 0) result.set(name, points)
  }
  return result
}

function aggregate(
  metrics: MetricsAggregate,
  spans: readonly TestSpan[],
  start: bigint,
  step: bigint,
  count: number,
): Expected {
  const { fn, field, by } = metrics
  const found = evaluate(metrics.source, spans)
  const traces = Map.groupBy(spans, (span) => span.traceId)
  const groups = new Map<string, Map<number, number[]>>()
  for (const span of spans) {
    if (!found.get(span.traceId)?.some(({ spanIds }) => spanIds.includes(span.spanId))) continue
    const place = { span, trace: traces.get(span.traceId) ?? [] }
    const raw = field ? valueOf(field, place) : 1
    if (typeof raw !== 'number' && typeof raw !== 'bigint') continue
    const value = Number(raw) * (isDuration(field) ? 1e-9 : 1)
    const labels = Object.fromEntries(by.map((each) => [describeField(each), text(valueOf(each, place))]))
    if (fn === 'histogram_over_time')
      labels['__bucket'] = String(bucketOf(Number(raw)) * (isDuration(field) ? 1e-9 : 1))
    const name = JSON.stringify(labels)
    const points = groups.get(name) ?? new Map<number, number[]>()
    const at = Number((span.start - start) / step)
    points.set(at, [...(points.get(at) ?? []), value])
    groups.set(name, points)
  }
  if ((fn === 'rate' || fn === 'count_over_time') && groups.size === 0 && by.length === 0) groups.set('{}', new Map())
  const result: Expected = new Map()
  for (const [name, points] of groups) {
    for (const level of fn === 'quantile_over_time' ? metrics.quantiles : [undefined]) {
      const labels = level === undefined ? name : JSON.stringify({ ...(JSON.parse(name) as object), p: String(level) })
      const values = new Map([...points].map(([at, list]) => [at, reduce(fn, list, level, step)] as const))
      if (fn === 'rate' || fn === 'count_over_time')
        for (const at of range(count)) if (!values.has(at)) values.set(at, [0])
      result.set(labels, values)
    }
  }
  return result
}

function reduce(fn: string, values: readonly number[], level: number | undefined, step: bigint): readonly number[] {
  const sum = values.reduce((a, b) => a + b, 0)
  const sorted = values.toSorted((a, b) => a - b)
  const rank = (level ?? 0) * (values.length - 1)
  switch (fn) {
    case 'rate':
      return [values.length / (Number(step) / 1e9)]
    case 'sum_over_time':
      return [sum]
    case 'avg_over_time':
      return [sum / values.length]
    case 'min_over_time':
      return [sorted[0] ?? Number.NaN]
    case 'max_over_time':
      return [sorted.at(-1) ?? Number.NaN]
    case 'quantile_over_time':
      return [sorted[Math.floor(rank)] ?? Number.NaN, sorted[Math.ceil(rank)] ?? Number.NaN]
    default:
      return [values.length]
  }
}

function applySecond(series: Expected, stage: SecondStage): Expected {
  const kept: Expected = new Map()
  const all = [...series].flatMap(([name, points]) => [...points].map(([at, [value = 0]]) => ({ name, at, value })))
  for (const point of all) {
    const rivals = all.filter((other) => other.at === point.at)
    const better = rivals.filter((other) => {
      const ahead = stage.kind === 'topk' ? other.value > point.value : other.value < point.value
      return ahead || (other.value === point.value && sortedName(other.name) < sortedName(point.name))
    })
    const keep =
      stage.kind === 'compare'
        ? {
            '=': point.value === stage.value,
            '!=': point.value !== stage.value,
            '>': point.value > stage.value,
            '>=': point.value >= stage.value,
            '<': point.value < stage.value,
            '<=': point.value <= stage.value,
          }[stage.op]
        : better.length < stage.count
    if (keep)
      kept.set(point.name, (kept.get(point.name) ?? new Map<number, readonly number[]>()).set(point.at, [point.value]))
  }
  return kept
}

function sortedName(name: string): string {
  return JSON.stringify(Object.entries(JSON.parse(name) as object).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function bucketOf(value: number): number {
  let bound = 1
  if (value <= 0) return 0
  while (bound < value) bound *= 2
  while (bound / 2 >= value) bound /= 2
  return bound
}

function isDuration(field: Field | undefined): boolean {
  if (field?.kind === 'intrinsic') return field.name.endsWith('uration')
  return field?.kind === 'binary' && (isDuration(field.left) || isDuration(field.right))
}

function text(value: unknown): string | null {
  if (value === undefined) return null
  return typeof value === 'object' && value !== null && 'word' in value ? String(value.word) : String(value)
}

function range(count: number): readonly number[] {
  return Array.from({ length: count }, (_, at) => at)
}
