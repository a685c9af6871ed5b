import {
  type ArithmeticOp,
  type Field,
  type Metrics,
  type Filter,
  type MetricsAggregate,
  type MetricsCompare,
  metricsFns,
  type Pipeline,
  type SecondStage,
} from './ast.ts'
import type { TokenReader } from './token-reader.ts'
import { calculate } from '../analyze/constant-folding.ts'
import { parseField } from './parse-field.ts'
import type { Token } from './tokens.ts'

/**
 * Parses arithmetic over metrics queries in parentheses, with second stages: `(pipeline | fn(...))
 * / (pipeline | fn(...)) | topk(n)`. Undefined for other queries, which start with a pipeline.
 */
export function parseMetrics(cursor: TokenReader, pipeline: ParsePipeline, filter: ParseFilter): Metrics | undefined {
  if (!isMetricsArithmetic(cursor)) return undefined
  const sum = parseSum(cursor, (inner) => parseMetricsQuery(inner, pipeline, filter))
  const stages = parseSecondStages(cursor)
  return stages.length === 0 ? sum : { kind: 'second', of: sum, stages, from: sum.from, to: cursor.peek().from }
}

export function isMetricsFunction(token: Token): boolean {
  return token.kind === 'word' && (token.text === 'compare' || metricsFns.some((fn) => fn === token.text))
}

/** Parses the part after the `|`: function, field and grouping. */
export function parseMetricsStage(
  cursor: TokenReader,
  source: Pipeline,
  filter: ParseFilter,
): MetricsAggregate | MetricsCompare {
  if (cursor.take('compare')) return parseCompare(cursor, source, filter)
  const fn = metricsFns.find((fn) => cursor.at(fn))
  if (fn === undefined) cursor.fail()
  cursor.next()
  cursor.expect('(')
  const hasField = fn !== 'rate' && fn !== 'count_over_time'
  const field = hasField ? parseField(cursor) : undefined
  const quantiles: number[] = []
  if (fn === 'quantile_over_time') {
    cursor.expect(',')
    do quantiles.push(parseQuantile(cursor))
    while (cursor.take(','))
  }
  cursor.expect(')')
  const by = cursor.take('by') ? parseBy(cursor) : []
  const second = parseSecondStages(cursor)
  return { kind: 'aggregate', source, fn, field, quantiles, by, second, from: source.from, to: cursor.peek().from }
}

type ParsePipeline = (cursor: TokenReader) => Pipeline
type ParseFilter = (cursor: TokenReader) => Filter
type ParseQuery = (cursor: TokenReader) => Metrics

const MAX_COMPARED_VALUES = 1000

function parseCompare(cursor: TokenReader, source: Pipeline, filter: ParseFilter): MetricsCompare {
  cursor.expect('(')
  const selection = filter(cursor)
  const from = cursor.peek().from
  const top = cursor.take(',') ? parseCount(cursor) : 10
  if (top > MAX_COMPARED_VALUES)
    cursor.failAt(
      { from, to: cursor.peek().from },
      `compare() returns at most ${MAX_COMPARED_VALUES} values of an attribute.`,
    )
  const timeAt = cursor.peek().from
  let within: MetricsCompare['within']
  if (cursor.take(',')) {
    const start = parseNanos(cursor)
    cursor.expect(',')
    within = { start, end: parseNanos(cursor) }
    if (within.end <= within.start)
      cursor.failAt(
        { from: timeAt, to: cursor.peek().from },
        'compare() needs a start before its end, in Unix nanoseconds.',
      )
  }
  cursor.expect(')')
  return { kind: 'compare', source, selection, top, within, from: source.from, to: cursor.peek().from }
}

function parseNanos(cursor: TokenReader): bigint {
  const token = cursor.peek()
  cursor.allow('a time in Unix nanoseconds')
  if (token.kind !== 'int') cursor.fail()
  cursor.next()
  return BigInt(token.text)
}

function parseBy(cursor: TokenReader): readonly Field[] {
  cursor.expect('(')
  const fields = [parseField(cursor)]
  while (cursor.take(',')) fields.push(parseField(cursor))
  cursor.expect(')')
  return fields
}

function parseQuantile(cursor: TokenReader): number {
  const token = cursor.peek()
  cursor.allow('a quantile between 0 and 1')
  if ((token.kind !== 'float' && token.kind !== 'int') || token.value > 1) cursor.fail()
  cursor.next()
  return token.value
}

function parseSecondStages(cursor: TokenReader): readonly SecondStage[] {
  const stages: SecondStage[] = []
  for (let stage = parseSecondStage(cursor); stage; stage = parseSecondStage(cursor)) stages.push(stage)
  return stages
}

const comparisons = ['=', '!=', '>=', '>', '<=', '<'] as const

function parseSecondStage(cursor: TokenReader): SecondStage | undefined {
  const piped = cursor.take('|')
  for (const kind of ['topk', 'bottomk'] as const) {
    if (!piped || !cursor.take(kind)) continue
    cursor.expect('(')
    const count = parseCount(cursor)
    cursor.expect(')')
    return { kind, count }
  }
  const op = comparisons.find((op) => cursor.at(op))
  if (op === undefined) {
    if (piped) cursor.fail()
    return undefined
  }
  cursor.next()
  return { kind: 'compare', op, value: parseConstant(cursor) }
}

function parseCount(cursor: TokenReader): number {
  const token = cursor.peek()
  cursor.allow('a whole number above 0')
  if (token.kind !== 'int' || token.value < 1) cursor.fail()
  cursor.next()
  return token.value
}

/** Parses a number or arithmetic of numbers. */
function parseConstant(cursor: TokenReader): number {
  const product = (): number => parseConstantOperation(cursor, ['*', '/'], () => parseNumber(cursor))
  return parseConstantOperation(cursor, ['+', '-'], product)
}

function parseConstantOperation(cursor: TokenReader, ops: readonly ArithmeticOp[], operand: () => number): number {
  let left = operand()
  for (;;) {
    const op = cursor.takeOperator(ops)
    if (op === undefined) return left
    left = calculate(op, left, operand())
  }
}

function parseNumber(cursor: TokenReader): number {
  const sign = cursor.take('-') ? -1 : 1
  if (cursor.take('(')) {
    const inner = cursor.readNested(() => parseConstant(cursor))
    cursor.expect(')')
    return sign * inner
  }
  cursor.allow('a number')
  const token = cursor.peek()
  if (token.kind === 'int' || token.kind === 'float') {
    cursor.next()
    return sign * token.value
  }
  // Series hold durations in seconds, as in Prometheus.
  if (token.kind !== 'duration') cursor.fail()
  cursor.next()
  return (sign * token.value) / 1e9
}

/** Whether a metrics function is inside parentheses, which only arithmetic allows. */
function isMetricsArithmetic({ tokens }: TokenReader): boolean {
  let depth = 0
  return tokens.some((token, index) => {
    if (token.kind !== 'punctuation') return false
    if (token.text === '(') depth++
    if (token.text === ')') depth--
    const next = tokens[index + 1]
    return token.text === '|' && depth > 0 && next !== undefined && isMetricsFunction(next)
  })
}

function parseSum(cursor: TokenReader, query: ParseQuery): Metrics {
  const product = (): Metrics => parseBinary(cursor, ['*', '/'], () => parseTerm(cursor, query))
  return parseBinary(cursor, ['+', '-'], product)
}

function parseBinary(cursor: TokenReader, ops: readonly ArithmeticOp[], operand: () => Metrics): Metrics {
  let left = operand()
  for (;;) {
    const op = cursor.takeOperator(ops)
    if (op === undefined) return left
    const right = operand()
    left = { kind: 'arithmetic', op, left, right, from: left.from, to: right.to }
  }
}

function parseTerm(cursor: TokenReader, query: ParseQuery): Metrics {
  const { from } = cursor.peek()
  const sign = isNegative(cursor) && cursor.take('-') ? -1 : 1
  const token = cursor.peek()
  if (token.kind === 'int' || token.kind === 'float') {
    cursor.next()
    return { kind: 'number', value: sign * token.value, from, to: token.to }
  }
  return cursor.readNested(() => {
    cursor.allow('a number')
    cursor.expect('(')
    const isInner = cursor.at('(') || isNumber(cursor.peek()) || isNegative(cursor)
    const inner = isInner ? parseSum(cursor, query) : query(cursor)
    cursor.expect(')')
    return inner
  })
}

function parseMetricsQuery(cursor: TokenReader, pipeline: ParsePipeline, filter: ParseFilter): Metrics {
  const source = pipeline(cursor)
  cursor.expect('|')
  return parseMetricsStage(cursor, source, filter)
}

/** Whether a negative number follows: `-2`, without whitespace in between. */
function isNegative(cursor: TokenReader): boolean {
  return cursor.peek().text === '-' && isNumber(cursor.peekNext())
}

function isNumber(token: Token): boolean {
  return token.kind === 'int' || token.kind === 'float'
}
