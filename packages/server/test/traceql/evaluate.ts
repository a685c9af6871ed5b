import type { Field, Pipeline, Scalar, Spanset, Stage } from '../../src/traceql/syntax/ast.ts'
import { holds, valueOf } from './evaluate-field.ts'
import type { TestSpan } from './spans.ts'

type Group = { readonly spans: readonly TestSpan[]; readonly labels: readonly (string | null)[] }

/** The expected result of a search: spansets by trace id, as span ids. */
export function evaluate(
  pipeline: Pipeline,
  spans: readonly TestSpan[],
): Map<string, { labels: readonly (string | null)[]; spanIds: string[] }[]> {
  const world: World = { spans, traces: Map.groupBy(spans, (span) => span.traceId), linked: new Map() }
  const result = new Map<string, { labels: readonly (string | null)[]; spanIds: string[] }[]>()
  for (const [traceId, trace] of world.traces) {
    const groups = runPipeline(pipeline, trace, world)
    if (groups.length > 0)
      result.set(
        traceId,
        groups.map(({ spans, labels }) => ({ labels, spanIds: spans.map((span) => span.spanId).sort() })),
      )
  }
  return result
}

type World = {
  readonly spans: readonly TestSpan[]
  readonly traces: ReadonlyMap<string, readonly TestSpan[]>
  /** Results of operators over links, which are the same for every trace. */
  readonly linked: Map<Spanset, readonly TestSpan[]>
}

function runPipeline(pipeline: Pipeline, input: readonly TestSpan[], world: World): readonly Group[] {
  let groups: readonly Group[] = [{ spans: runSpanset(pipeline.source, input, world), labels: [] }]
  for (const stage of pipeline.stages) {
    groups = groups.filter((group) => group.spans.length > 0)
    groups = runStage(stage, groups, world)
  }
  return groups.filter((group) => group.spans.length > 0)
}

function runStage(stage: Stage, groups: readonly Group[], world: World): readonly Group[] {
  switch (stage.kind) {
    case 'select':
      return groups
    case 'coalesce':
      return groups.length === 0 ? [] : [{ spans: distinct(groups.flatMap((group) => group.spans)), labels: [] }]
    case 'spanset':
      return groups.map((group) => ({ ...group, spans: runSpanset(stage.spanset, group.spans, world) }))
    case 'compare':
      return groups.filter((group) => {
        const [a, b] = [scalar(stage.left, group.spans, world), scalar(stage.right, group.spans, world)]
        if (a === undefined || b === undefined) return false
        return { '=': a === b, '!=': a !== b, '<': a < b, '<=': a <= b, '>': a > b, '>=': a >= b }[stage.op]
      })
    case 'by':
      return groups.flatMap((group) => {
        const labelled = group.spans.map((span) => ({
          span,
          labels: stage.fields.map((field) => label(field, span, world)),
        }))
        const parts = Map.groupBy(labelled, ({ labels }) => JSON.stringify(labels))
        return [...parts.values()].map((part) => ({
          spans: part.map(({ span }) => span),
          labels: [...group.labels, ...(part[0]?.labels ?? [])],
        }))
      })
  }
}

function label(field: Field, span: TestSpan, world: World): string | null {
  const value = valueOf(field, placeOf(span, world))
  if (value === undefined) return null
  return typeof value === 'object' && 'enum' in value ? value.word : String(value)
}

function scalar(expression: Scalar, spans: readonly TestSpan[], world: World): number | undefined {
  if (expression.kind === 'number') return expression.value
  if (expression.kind === 'arithmetic') {
    const a = scalar(expression.left, spans, world)
    const b = scalar(expression.right, spans, world)
    if (a === undefined || b === undefined) return undefined
    return { '+': a + b, '-': a - b, '*': a * b, '/': a / b, '%': a % b, '^': a ** b }[expression.op]
  }
  const { fn, field } = expression
  if (!field) return spans.length
  const values = spans
    .map((span) => valueOf(field, placeOf(span, world)))
    .filter((value) => typeof value === 'number' || typeof value === 'bigint')
  const numbers = values.map(Number)
  if (numbers.length === 0) return undefined
  const sum = numbers.reduce((a, b) => a + b, 0)
  if (fn === 'sum') return sum
  if (fn === 'avg') return sum / numbers.length
  return fn === 'min' ? Math.min(...numbers) : Math.max(...numbers)
}

function runSpanset(spanset: Spanset, input: readonly TestSpan[], world: World): readonly TestSpan[] {
  if (spanset.kind === 'filter') {
    const { condition } = spanset
    return condition ? input.filter((span) => holds(condition, placeOf(span, world))) : input
  }
  if (spanset.kind === 'pipeline') return distinct(runPipeline(spanset, input, world).flatMap((group) => group.spans))
  const { op } = spanset
  if (op.endsWith('->>') || op.endsWith('<<-')) {
    const linked = world.linked.get(spanset) ?? runLinks(spanset, world)
    world.linked.set(spanset, linked)
    return linked.filter((span) => input.includes(span))
  }
  const left = runSpanset(spanset.left, input, world)
  const right = runSpanset(spanset.right, input, world)
  if (op === '&&') return left.length > 0 && right.length > 0 ? distinct([...left, ...right]) : []
  if (op === '||') return distinct([...left, ...right])
  const trace = world.traces.get(input[0]?.traceId ?? '') ?? []
  const related = (a: TestSpan, b: TestSpan): boolean => relations[op.replace(/^[!&]/, '')]?.(a, b, trace) ?? false
  if (op.startsWith('!')) return right.filter((b) => !left.some((a) => related(a, b)))
  const kept = right.filter((b) => left.some((a) => related(a, b)))
  return op.startsWith('&') ? distinct([...kept, ...left.filter((a) => right.some((b) => related(a, b)))]) : kept
}

/** Whether b stands to a as in `{ a } op { b }`. */
const relations: Readonly<Record<string, (a: TestSpan, b: TestSpan, trace: readonly TestSpan[]) => boolean>> = {
  '>': (a, b) => b.parentSpanId === a.spanId,
  '<': (a, b) => a.parentSpanId === b.spanId,
  '>>': (a, b, trace) => ancestorsOf(b, trace).includes(a),
  '<<': (a, b, trace) => ancestorsOf(a, trace).includes(b),
  '~': (a, b) => a !== b && a.parentSpanId !== '' && a.parentSpanId === b.parentSpanId,
}

function ancestorsOf(span: TestSpan, trace: readonly TestSpan[]): TestSpan[] {
  const parent = trace.find((other) => other.spanId === span.parentSpanId)
  return parent ? [parent, ...ancestorsOf(parent, trace)] : []
}

const hops = 8

function runLinks(operation: Spanset & { kind: 'operation' }, world: World): readonly TestSpan[] {
  const { op, left, right } = operation
  const find = (side: Spanset): ReadonlyMap<string, readonly TestSpan[]> => {
    const found = new Map<string, readonly TestSpan[]>()
    for (const [traceId, trace] of world.traces) {
      const spans = runSpanset(side, trace, world)
      if (spans.length > 0) found.set(traceId, spans)
    }
    return found
  }
  const [origins, ends] = [find(left), find(right)]
  const steps = world.spans.flatMap((span) => span.links.map((link): [string, string] => [link.traceId, span.traceId]))
  const onward = op.endsWith('->>')
    ? steps
    : steps.map(([producer, consumer]): [string, string] => [consumer, producer])
  const leadsTo = (from: string): ReadonlySet<string> => {
    const reached = new Set<string>()
    let edge = [from]
    for (let hop = 0; hop < hops; hop++) {
      edge = onward.filter(([a]) => edge.includes(a)).map(([, b]) => b)
      for (const id of edge) reached.add(id)
    }
    return reached
  }
  const pairs = [...origins.keys()].flatMap((origin) =>
    [...leadsTo(origin)].filter((end) => ends.has(end)).map((end) => ({ origin, end })),
  )
  const spans = pairs.flatMap(({ origin, end }) => [
    ...(ends.get(end) ?? []),
    ...(op.startsWith('&') ? (origins.get(origin) ?? []) : []),
  ])
  return distinct(spans)
}

function placeOf(span: TestSpan, world: World): { span: TestSpan; trace: readonly TestSpan[] } {
  return { span, trace: world.traces.get(span.traceId) ?? [] }
}

function distinct(spans: readonly TestSpan[]): TestSpan[] {
  return [...new Set(spans)]
}
