import type { Field, Metrics, MetricsAggregate, SecondStage } from '../../src/traceql/syntax/ast.ts'
import { describeField } from '../../src/traceql/syntax/describe.ts'
import { evaluate } from './evaluate.ts'
import { evaluateCompare, type Expected } from './evaluate-compare.ts'
import { valueOf } from './evaluate-field.ts'
import type { TestSpan } from './spans.ts'

export type TestWindow = { readonly start: bigint; readonly end: bigint; readonly step: bigint }

function countOf({ start, end, step }: TestWindow): number {
  return Number((end - start + step - 1n) / step)
}

/** Length of an interval; the last ends with the window. */
function secondsOf(at: number, { start, end, step }: TestWindow): number {
  const left = end - (start + BigInt(at) * step)
  return Number(left < step ? left : step) / 1e9
}

export function evaluateMetrics(metrics: Metrics, spans: readonly TestSpan[], window: TestWindow): Expected {
  if (metrics.kind === 'number')
    return new Map([['{}', new Map(range(countOf(window)).map((at) => [at, [metrics.value]]))]])
  if (metrics.kind === 'aggregate') {
    return metrics.second.reduce(applySecond, aggregate(metrics, spans, window))
  }
  if (metrics.kind === 'second') {
    return metrics.stages.reduce(applySecond, evaluateMetrics(metrics.of, spans, window))
  }
  if (metrics.kind === 'compare') return evaluateCompare(metrics, spans, window.start, window.step, countOf(window))
  const left = evaluateMetrics(metrics.left, spans, window)
  const right = evaluateMetrics(metrics.right, spans, window)
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

function aggregate(metrics: MetricsAggregate, spans: readonly TestSpan[], window: TestWindow): Expected {
  const { start, step } = window
  const count = countOf(window)
  const { fn, field, by } = metrics
  const found = evaluate(metrics.source, spans)
  const traces = Map.groupBy(spans, (span) => span.traceId)
  const groups = new Map<string, Map<number, number[]>>()
  for (const span of spans) {
    if (!found.get(span.traceId)?.some(({ spanIds }) => spanIds.includes(span.spanId))) continue
    const context = { span, trace: traces.get(span.traceId) ?? [] }
    const raw = field ? valueOf(field, context) : 1
    if (typeof raw !== 'number' && typeof raw !== 'bigint') continue
    const value = Number(raw) * (isDuration(field) ? 1e-9 : 1)
    const labels: Record<string, object | null> = Object.fromEntries(
      by.map((each) => [describeField(each), typed(valueOf(each, context))]),
    )
    if (fn === 'histogram_over_time') labels['__bucket'] = typed(bucketOf(Number(raw)) * (isDuration(field) ? 1e-9 : 1))
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
      const labels = level === undefined ? name : JSON.stringify({ ...(JSON.parse(name) as object), p: typed(level) })
      const values = new Map(
        [...points].map(([at, list]) => [at, reduce(fn, list, level, secondsOf(at, window))] as const),
      )
      if (fn === 'rate' || fn === 'count_over_time')
        for (const at of range(count)) if (!values.has(at)) values.set(at, [0])
      result.set(labels, values)
    }
  }
  return result
}

function reduce(fn: string, values: readonly number[], level: number | undefined, seconds: number): readonly number[] {
  const sum = values.reduce((a, b) => a + b, 0)
  const sorted = values.toSorted((a, b) => a - b)
  const rank = (level ?? 0) * (values.length - 1)
  switch (fn) {
    case 'rate':
      return [values.length / seconds]
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

/** The label of a value: its text and its type, which lists do not have. */
function typed(value: unknown): object | null {
  if (value === undefined) return null
  const text = typeof value === 'object' && value !== null && 'word' in value ? value.word : value
  const types: Partial<Record<string, string>> = { bigint: 'int', number: 'float', boolean: 'bool' }
  return { text: String(text), type: types[typeof text] ?? 'string' }
}

function range(count: number): readonly number[] {
  return Array.from({ length: count }, (_, at) => at)
}
