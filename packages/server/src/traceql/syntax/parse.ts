import type { Field, Filter, Hint, Pipeline, Query, Scalar, ScalarOp, Spanset, SpansetOp, Stage } from './ast.ts'
import { linkOps, metricsFns, negatedOps, structuralOps, unionOps } from './ast.ts'
import { type TokenReader, createTokenReader } from './token-reader.ts'
import { parseField, parseLiteral } from './parse-field.ts'
import { isMetricsFunction, parseMetrics, parseMetricsStage } from './parse-metrics.ts'
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
  const cursor = createTokenReader(text, tokens)
  const metrics = parseMetrics(cursor, parsePipeline, parseFilter)
  if (metrics) {
    const hints = parseHints(cursor)
    if (cursor.peek().kind !== 'end') cursor.fail()
    return { kind: 'metrics', metrics, hints, from: 0, to: text.length }
  }
  const pipeline = parsePipeline(cursor)
  if (cursor.take('|')) {
    const aggregate = parseMetricsStage(cursor, pipeline, parseFilter)
    const hints = parseHints(cursor)
    if (cursor.peek().kind !== 'end') cursor.fail()
    return { kind: 'metrics', metrics: aggregate, hints, from: 0, to: text.length }
  }
  const hints = parseHints(cursor)
  if (cursor.peek().kind !== 'end') cursor.fail()
  return { kind: 'search', pipeline, hints, from: 0, to: text.length }
}

/** Parses up to the end, a closing parenthesis, or the `|` before a metrics function. */
function parsePipeline(cursor: TokenReader): Pipeline {
  const { from } = cursor.peek()
  const stages: Stage[] = []
  // `count() > 2` and `by(...)` may come first: then they apply to every span of a trace.
  const first = parseStage(cursor)
  const source: Spanset =
    first.kind === 'spanset' ? first.spanset : { kind: 'filter', condition: undefined, from, to: from }
  if (first.kind !== 'spanset') stages.push(first)
  while (cursor.at('|') && !isMetricsFunction(cursor.peekNext())) {
    cursor.next()
    cursor.allow(...metricsFns, 'compare')
    stages.push(parseStage(cursor))
  }
  return { kind: 'pipeline', source, stages, from, to: cursor.peek().from }
}

const logicalOps: readonly SpansetOp[] = ['&&', '||']
const relationOps: readonly SpansetOp[] = [...structuralOps, ...negatedOps, ...unionOps, ...linkOps]

function parseSpanset(cursor: TokenReader): Spanset {
  return parseOperations(cursor, logicalOps, () => parseOperations(cursor, relationOps, () => parseOperand(cursor)))
}

function parseOperations(cursor: TokenReader, ops: readonly SpansetOp[], operand: () => Spanset): Spanset {
  let left = operand()
  for (;;) {
    const op = cursor.takeOperator(ops)
    if (op === undefined) return left
    const right = operand()
    left = { kind: 'operation', op, left, right, from: left.from, to: right.to }
  }
}

function parseOperand(cursor: TokenReader): Spanset {
  return cursor.readNested(() => {
    if (cursor.at('{')) return parseFilter(cursor)
    if (!cursor.take('(')) cursor.fail()
    const pipeline = parsePipeline(cursor)
    cursor.expect(')')
    return pipeline.stages.length === 0 ? pipeline.source : pipeline
  })
}

function parseFilter(cursor: TokenReader): Filter {
  const { from } = cursor.expect('{')
  if (cursor.at('}')) return { kind: 'filter', condition: undefined, from, to: cursor.next().to }
  const condition = parseField(cursor)
  return { kind: 'filter', condition, from, to: cursor.expect('}').to }
}

function parseStage(cursor: TokenReader): Stage {
  const { from } = cursor.peek()
  if (cursor.at('{') || isParenthesizedSpanset(cursor)) {
    const spanset = parseSpanset(cursor)
    return { kind: 'spanset', spanset, from, to: spanset.to }
  }
  if (cursor.take('by')) return { kind: 'by', fields: parseFields(cursor), from, to: cursor.peek().from }
  if (cursor.take('select')) return { kind: 'select', fields: parseFields(cursor), from, to: cursor.peek().from }
  if (cursor.take('coalesce')) {
    cursor.expect('(')
    return { kind: 'coalesce', from, to: cursor.expect(')').to }
  }
  const left = parseScalar(cursor)
  const op = scalarOps.find((op) => cursor.at(op))
  if (op === undefined) cursor.fail()
  cursor.next()
  const right = parseScalar(cursor)
  return { kind: 'compare', op, left, right, from, to: right.to }
}

/**
 * Whether a parenthesis opens a spanset or a number, decided by the token after the last
 * consecutive parenthesis.
 */
function isParenthesizedSpanset(cursor: TokenReader): boolean {
  if (!cursor.at('(')) return false
  const rest = cursor.text.slice(cursor.peek().from).replace(/^[(\s]+/, '')
  return !/^(?:count|avg|min|max|sum)\s*\(|^[-.\d]/.test(rest)
}

function parseFields(cursor: TokenReader): readonly Field[] {
  cursor.expect('(')
  const fields = [parseField(cursor)]
  while (cursor.take(',')) fields.push(parseField(cursor))
  cursor.expect(')')
  return fields
}

const scalarOps: readonly ScalarOp[] = ['=', '!=', '>=', '>', '<=', '<']
const aggregates = ['count', 'avg', 'min', 'max', 'sum'] as const

function parseScalar(cursor: TokenReader): Scalar {
  return parseArithmetic(cursor, ['+', '-'], () => parseArithmetic(cursor, ['*', '/', '%'], () => parsePower(cursor)))
}

function parseArithmetic(
  cursor: TokenReader,
  ops: readonly ('+' | '-' | '*' | '/' | '%')[],
  operand: () => Scalar,
): Scalar {
  let left = operand()
  for (;;) {
    const op = cursor.takeOperator(ops)
    if (op === undefined) return left
    const right = operand()
    left = { kind: 'arithmetic', op, left, right, from: left.from, to: right.to }
  }
}

function parsePower(cursor: TokenReader): Scalar {
  const left = parseScalarOperand(cursor)
  if (!cursor.take('^')) return left
  const right = cursor.readNested(() => parsePower(cursor))
  return { kind: 'arithmetic', op: '^', left, right, from: left.from, to: right.to }
}

function parseScalarOperand(cursor: TokenReader): Scalar {
  return cursor.readNested(() => {
    const { from } = cursor.peek()
    if (cursor.take('(')) {
      const inner = parseScalar(cursor)
      cursor.expect(')')
      return inner
    }
    const fn = aggregates.find((name) => cursor.at(name))
    if (fn !== undefined) {
      cursor.next()
      cursor.expect('(')
      const field = fn === 'count' ? undefined : parseField(cursor)
      return { kind: 'aggregate', fn, field, from, to: cursor.expect(')').to }
    }
    const sign = cursor.take('-') ? -1 : 1
    cursor.allow('a number')
    const token = cursor.peek()
    if (token.kind !== 'int' && token.kind !== 'float' && token.kind !== 'duration') cursor.fail()
    cursor.next()
    return { kind: 'number', value: sign * token.value, from, to: token.to }
  })
}

/**
 * Parses Tempo's `with (name=value, ...)`. Accepts any name, so that queries written for Tempo run.
 */
function parseHints(cursor: TokenReader): readonly Hint[] {
  if (!cursor.take('with')) return []
  cursor.expect('(')
  const hints: Hint[] = []
  do {
    const token = cursor.peek()
    cursor.allow('the name of a hint')
    if (token.kind !== 'word') cursor.fail()
    cursor.next()
    cursor.expect('=')
    const value = parseLiteral(cursor)
    if (!value) cursor.fail()
    hints.push({ name: token.text, value })
  } while (cursor.take(','))
  cursor.expect(')')
  return hints
}
