import type { ArithmeticOp, Filter, Pipeline, Scalar, Spanset, SpansetOp, Stage } from './ast.ts'
import { aggregateFns, linkOps, logicalOps, metricsFns, negatedOps, scalarOps, structuralOps, unionOps } from './ast.ts'
import { parseField, parseFields } from './parse-field.ts'
import { joinAs, type TokenReader } from './token-reader.ts'
import type { Token } from './tokens.ts'

/** Parses up to the end, a closing parenthesis, or the `|` before a metrics function. */
export function parsePipeline(cursor: TokenReader): Pipeline {
  const { from } = cursor.peek()
  const stages: Stage[] = []
  // `count() > 2` and `by(...)` may come first: then they apply to every span of a trace.
  const first = parseStage(cursor)
  const source: Spanset =
    first.kind === 'spanset' ? first.spanset : { kind: 'filter', condition: undefined, from, to: from }
  if (first.kind !== 'spanset') stages.push(first)
  while (cursor.at('|') && !isMetricsFunction(cursor.peek(1))) {
    cursor.next()
    cursor.allow(...metricsFns, 'compare')
    stages.push(parseStage(cursor))
  }
  return { kind: 'pipeline', source, stages, from, to: cursor.peek().from }
}

const relationOps: readonly SpansetOp[] = [...structuralOps, ...negatedOps, ...unionOps, ...linkOps]

function parseSpanset(cursor: TokenReader): Spanset {
  return parseOperations(cursor, logicalOps, () => parseOperations(cursor, relationOps, () => parseOperand(cursor)))
}

function parseOperations(cursor: TokenReader, ops: readonly SpansetOp[], operand: () => Spanset): Spanset {
  return cursor.readOperations(ops, operand, joinAs('operation'))
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

export function parseFilter(cursor: TokenReader): Filter {
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
  const kind = cursor.takeAny(['by', 'select'])
  if (kind) return { kind, fields: parseFields(cursor), from, to: cursor.peek().from }
  if (cursor.take('coalesce')) {
    cursor.expect('(')
    return { kind: 'coalesce', from, to: cursor.expect(')').to }
  }
  const left = parseScalar(cursor)
  const op = cursor.takeAny(scalarOps) ?? cursor.fail()
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

function parseScalar(cursor: TokenReader): Scalar {
  return parseArithmetic(cursor, ['+', '-'], () => parseArithmetic(cursor, ['*', '/', '%'], () => parsePower(cursor)))
}

function parseArithmetic(cursor: TokenReader, ops: readonly ArithmeticOp[], operand: () => Scalar): Scalar {
  return cursor.readOperations(ops, operand, joinAs('arithmetic'))
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
    const fn = cursor.takeAny(aggregateFns)
    if (fn !== undefined) {
      cursor.expect('(')
      const field = fn === 'count' ? undefined : parseField(cursor)
      return { kind: 'aggregate', fn, field, from, to: cursor.expect(')').to }
    }
    const sign = cursor.take('-') ? -1 : 1
    const { value, to } = cursor.read('a number', (token) => (hasNumber(token) ? token : undefined))
    return { kind: 'number', value: sign * value, from, to }
  })
}

function hasNumber(token: Token): token is Token & { readonly value: number } {
  return token.kind === 'int' || token.kind === 'float' || token.kind === 'duration'
}

export function isMetricsFunction(token: Token): boolean {
  return token.kind === 'word' && (token.text === 'compare' || metricsFns.some((fn) => fn === token.text))
}
