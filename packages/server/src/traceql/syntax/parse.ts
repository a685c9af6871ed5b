import type {
  ArithmeticOp,
  Hint,
  Metrics,
  MetricsAggregate,
  MetricsCompare,
  Pipeline,
  Query,
  SecondStage,
} from './ast.ts'
import { metricsFns, scalarOps } from './ast.ts'
import { calculate } from '../analyze/constant-folding.ts'
import { parseField, parseFields, parseLiteral } from './parse-field.ts'
import { isMetricsFunction, parseFilter, parsePipeline } from './parse-pipeline.ts'
import { joinAs, TokenReader } from './token-reader.ts'
import type { Token } from './tokens.ts'

/**
 * Parses a query by the rules of Tempo's grammar (`pkg/traceql/expr.y`), plus the operators over
 * links.
 *
 * Spanset operators, loosest first; each level is left-associative:
 *
 *     &&  ||   (one level; use parentheses when mixing)
 *     >> > << < ~   !>> !> !<< !< !~   &>> &> &<< &< &~   ->> <<- &->> &<<-
 *
 * @throws TraceQLError `syntax` with the position and what was expected, or `limit`
 */
export function parse(text: string, tokens?: readonly Token[]): Query {
  const cursor = new TokenReader(text, tokens)
  const body = parseBody(cursor)
  const hints = parseHints(cursor)
  if (cursor.peek().kind !== 'end') cursor.fail()
  return { ...body, hints, from: 0, to: text.length }
}

type Body =
  | { readonly kind: 'search'; readonly pipeline: Pipeline }
  | { readonly kind: 'metrics'; readonly metrics: Metrics }

function parseBody(cursor: TokenReader): Body {
  if (isMetricsArithmetic(cursor)) return { kind: 'metrics', metrics: parseMetrics(cursor) }
  const pipeline = parsePipeline(cursor)
  return cursor.take('|')
    ? { kind: 'metrics', metrics: parseMetricsStage(cursor, pipeline) }
    : { kind: 'search', pipeline }
}

/**
 * Parses Tempo's `with (name=value, ...)`. Accepts any name, so that queries written for Tempo run.
 */
function parseHints(cursor: TokenReader): readonly Hint[] {
  if (!cursor.take('with')) return []
  cursor.expect('(')
  const hints: Hint[] = []
  do {
    const name = cursor.read('the name of a hint', (token) => (token.kind === 'word' ? token.text : undefined))
    cursor.expect('=')
    hints.push({ name, value: parseLiteral(cursor) ?? cursor.fail() })
  } while (cursor.take(','))
  cursor.expect(')')
  return hints
}

/**
 * Parses arithmetic over metrics queries in parentheses, with second stages: `(pipeline | fn(...))
 * / (pipeline | fn(...)) | topk(n)`.
 */
function parseMetrics(cursor: TokenReader): Metrics {
  const sum = parseSum(cursor)
  const stages = parseSecondStages(cursor)
  return stages.length === 0 ? sum : { kind: 'second', of: sum, stages, from: sum.from, to: cursor.peek().from }
}

/** Parses the part after the `|`: function, field and grouping. */
function parseMetricsStage(cursor: TokenReader, source: Pipeline): MetricsAggregate | MetricsCompare {
  if (cursor.take('compare')) return parseCompare(cursor, source)
  const fn = cursor.takeAny(metricsFns) ?? cursor.fail()
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
  const by = cursor.take('by') ? parseFields(cursor) : []
  const second = parseSecondStages(cursor)
  return { kind: 'aggregate', source, fn, field, quantiles, by, second, from: source.from, to: cursor.peek().from }
}

const MAX_COMPARED_VALUES = 1000

function parseCompare(cursor: TokenReader, source: Pipeline): MetricsCompare {
  cursor.expect('(')
  const selection = parseFilter(cursor)
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
  return cursor.read('a time in Unix nanoseconds', (token) => (token.kind === 'int' ? BigInt(token.text) : undefined))
}

function parseQuantile(cursor: TokenReader): number {
  return cursor.read('a quantile between 0 and 1', (token) =>
    isNumber(token) && token.value <= 1 ? token.value : undefined,
  )
}

function parseSecondStages(cursor: TokenReader): readonly SecondStage[] {
  const stages: SecondStage[] = []
  for (let stage = parseSecondStage(cursor); stage; stage = parseSecondStage(cursor)) stages.push(stage)
  return stages
}

function parseSecondStage(cursor: TokenReader): SecondStage | undefined {
  const piped = cursor.take('|')
  const kind = piped ? cursor.takeAny(['topk', 'bottomk']) : undefined
  if (kind !== undefined) {
    cursor.expect('(')
    const count = parseCount(cursor)
    cursor.expect(')')
    return { kind, count }
  }
  const op = cursor.takeAny(scalarOps)
  if (op === undefined) return piped ? cursor.fail() : undefined
  return { kind: 'compare', op, value: parseConstant(cursor) }
}

function parseCount(cursor: TokenReader): number {
  return cursor.read('a whole number above 0', (token) =>
    token.kind === 'int' && token.value >= 1 ? token.value : undefined,
  )
}

/** Parses a number or arithmetic of numbers. */
function parseConstant(cursor: TokenReader): number {
  const product = (): number => cursor.readOperations(['*', '/'], () => parseNumber(cursor), calculate)
  return cursor.readOperations(['+', '-'], product, calculate)
}

function parseNumber(cursor: TokenReader): number {
  const sign = cursor.take('-') ? -1 : 1
  if (cursor.take('(')) {
    const inner = cursor.readNested(() => parseConstant(cursor))
    cursor.expect(')')
    return sign * inner
  }
  return cursor.read('a number', (token) => {
    // Series hold durations in seconds, as in Prometheus.
    if (token.kind === 'duration') return (sign * token.value) / 1e9
    return isNumber(token) ? sign * token.value : undefined
  })
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

function parseSum(cursor: TokenReader): Metrics {
  const product = (): Metrics => parseBinary(cursor, ['*', '/'], () => parseTerm(cursor))
  return parseBinary(cursor, ['+', '-'], product)
}

function parseBinary(cursor: TokenReader, ops: readonly ArithmeticOp[], operand: () => Metrics): Metrics {
  return cursor.readOperations(ops, operand, joinAs('arithmetic'))
}

function parseTerm(cursor: TokenReader): Metrics {
  const { from } = cursor.peek()
  const sign = isNegative(cursor) && cursor.take('-') ? -1 : 1
  const token = cursor.peek()
  if (isNumber(token)) {
    cursor.next()
    return { kind: 'number', value: sign * token.value, from, to: token.to }
  }
  return cursor.readNested(() => {
    cursor.allow('a number')
    cursor.expect('(')
    const isInner = cursor.at('(') || isNumber(cursor.peek()) || isNegative(cursor)
    const inner = isInner ? parseSum(cursor) : parseMetricsQuery(cursor)
    cursor.expect(')')
    return inner
  })
}

function parseMetricsQuery(cursor: TokenReader): Metrics {
  const source = parsePipeline(cursor)
  cursor.expect('|')
  return parseMetricsStage(cursor, source)
}

/** Whether a negative number follows: `-2`, without whitespace in between. */
function isNegative(cursor: TokenReader): boolean {
  return cursor.peek().text === '-' && isNumber(cursor.peek(1))
}

function isNumber(token: Token): token is Token & { readonly kind: 'int' | 'float' } {
  return token.kind === 'int' || token.kind === 'float'
}
