import type { Field, FieldOp, Literal } from './ast.ts'
import { joinAs, type TokenReader } from './token-reader.ts'
import type { Token } from './tokens.ts'
import { findIntrinsic } from './intrinsics.ts'

/**
 * Parses the condition between `{` and `}`. Operators, loosest first (Tempo's order):
 *
 *     && ||  (one level)    = != < <= > >= =~ !~    + -    !    * / %    ^ (right-associative)
 */
export function parseField(cursor: TokenReader): Field {
  return parseLeftAssociative(cursor, levels)
}

const levels: readonly (readonly FieldOp[])[] = [
  ['&&', '||'],
  ['=', '!=', '<=', '<', '>=', '>', '=~', '!~'],
  ['+', '-'],
  ['*', '/', '%'],
]

function parseLeftAssociative(cursor: TokenReader, [ops, ...tighter]: readonly (readonly FieldOp[])[]): Field {
  if (!ops) return parsePower(cursor)
  return cursor.readOperations(ops, () => parseLeftAssociative(cursor, tighter), joinAs('binary'))
}

/** Parses `(field, ...)`. */
export function parseFields(cursor: TokenReader): readonly Field[] {
  cursor.expect('(')
  const fields = [parseField(cursor)]
  while (cursor.take(',')) fields.push(parseField(cursor))
  cursor.expect(')')
  return fields
}

function parsePower(cursor: TokenReader): Field {
  const left = parseUnary(cursor)
  if (!cursor.take('^')) return left
  const right = cursor.readNested(() => parsePower(cursor))
  return { kind: 'binary', op: '^', left, right, from: left.from, to: right.to }
}

function parseUnary(cursor: TokenReader): Field {
  return cursor.readNested(() => {
    const { from } = cursor.peek()
    const op = cursor.takeAny(['!', '-'])
    if (op === undefined) return parseOperand(cursor)
    const operand = parseUnary(cursor)
    return op === '-' && operand.kind === 'literal'
      ? negateLiteral(operand, from)
      : { kind: 'unary', op, operand, from, to: operand.to }
  })
}

/** `-5` is a literal too, so that it compares as exactly as `5`. */
function negateLiteral(literal: Field & { kind: 'literal' }, from: number): Field {
  switch (literal.type) {
    case 'int':
      return { ...literal, value: -literal.value, text: literal.value === 0 ? '0' : `-${literal.text}`, from }
    case 'float':
    case 'duration':
      return { ...literal, value: -literal.value, from }
    default:
      return { kind: 'unary', op: '-', operand: literal, from, to: literal.to }
  }
}

function parseOperand(cursor: TokenReader): Field {
  const token = cursor.peek()
  const { from, to } = token
  if (cursor.take('(')) {
    const inner = parseField(cursor)
    cursor.expect(')')
    return inner
  }
  cursor.allow('an attribute', 'an intrinsic')
  if (token.kind === 'attribute') {
    cursor.next()
    return { kind: 'attribute', scope: token.scope, parent: token.parent, key: token.key, from, to }
  }
  const literal = parseLiteral(cursor)
  if (literal) return { kind: 'literal', ...literal, from, to }
  if (token.kind !== 'word') cursor.fail()
  const name = findIntrinsic(token.text)
  if (name === undefined) cursor.failAt(token, describeUnknownWord(token.text))
  cursor.next()
  return { kind: 'intrinsic', name, from, to }
}

function describeUnknownWord(text: string): string {
  return text.includes(':')
    ? `Unknown intrinsic "${text}".`
    : `Unknown intrinsic "${text}": write an attribute as .${text} or span.${text}, and a string as "${text}".`
}

export const statuses = ['error', 'ok', 'unset'] as const
export const kinds = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'] as const

/** Parses a literal if the current token is one. */
export function parseLiteral(cursor: TokenReader): Literal | undefined {
  cursor.allow('a value')
  const token = cursor.peek()
  const literal = toLiteral(token)
  if (literal) cursor.next()
  return literal
}

function toLiteral(token: Token): Literal | undefined {
  switch (token.kind) {
    case 'string':
      return { type: 'string', value: token.value }
    case 'int':
      return { type: 'int', value: token.value, text: BigInt(token.text).toString() }
    case 'float':
    case 'duration':
      return { type: token.kind, value: token.value }
    case 'word':
      if (token.text === 'true' || token.text === 'false') return { type: 'boolean', value: token.text === 'true' }
      if (token.text === 'nil') return { type: 'nil' }
      if (token.text === 'minInt' || token.text === 'maxInt') {
        const text = String(token.text === 'minInt' ? -(2n ** 63n) : 2n ** 63n - 1n)
        return { type: 'int', value: Number(text), text }
      }
      if (statuses.some((status) => status === token.text)) return { type: 'status', value: token.text }
      if (kinds.some((kind) => kind === token.text)) return { type: 'kind', value: token.text }
      return undefined
    default:
      return undefined
  }
}
