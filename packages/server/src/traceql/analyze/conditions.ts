import { type Field, type FieldOp, type Intrinsic, type Literal, scalarOps } from '../syntax/ast.ts'

export type Comparison = Field & { kind: 'binary' }

const comparisonOps: ReadonlySet<FieldOp> = new Set([...scalarOps, '=~', '!~'])

export function isComparison(field: Field): field is Comparison {
  return field.kind === 'binary' && comparisonOps.has(field.op)
}

/** Whether an operator makes the value a boolean. */
export function isBoolean(field: Field): boolean {
  if (field.kind === 'unary') return field.op === '!'
  return field.kind === 'binary' && (field.op === '&&' || field.op === '||' || isComparison(field))
}

/** Whether a field is true or false for every span; a bare attribute may be missing. */
export function isCondition(field: Field): boolean {
  return isBoolean(field) && (field.kind !== 'unary' || isCondition(field.operand))
}

/** Whether only spans of one service match. */
export function namesService(field: Field): boolean {
  if (field.kind !== 'binary') return false
  if (field.op === '&&') return namesService(field.left) || namesService(field.right)
  if (!isComparison(field) || field.op !== '=') return false
  const { left, right } = normalizeComparison(field)
  return (
    left.kind === 'attribute' && left.key === 'service.name' && left.scope === 'resource' && right.kind === 'literal'
  )
}

type Sides = Pick<Comparison, 'left' | 'op' | 'right'>

/** Moves a value from the left to the right. */
export function normalizeComparison({ left, op, right }: Comparison): Sides {
  if (left.kind !== 'literal' || right.kind === 'literal') return { left, op, right }
  const mirror: Partial<Record<FieldOp, FieldOp>> = { '<': '>', '<=': '>=', '>': '<', '>=': '<=' }
  return { left: right, op: mirror[op] ?? op, right: left }
}

/** Whether a field is a comparison with nil that holds for what has no value. */
export function isAbsence(op: FieldOp, right: Field): boolean {
  return right.kind === 'literal' && right.type === 'nil' && op === '='
}

/**
 * A bare boolean as the value that it is compared with: `{ .sampled }` is `{ .sampled = true }`,
 * and `{ !.sampled }` is `= false`.
 */
export function unwrapNegations(field: Field): { readonly bare: Field; readonly wanted: boolean } {
  let bare = field
  let wanted = true
  while (bare.kind === 'unary' && bare.op === '!') {
    bare = bare.operand
    wanted = !wanted
  }
  return { bare, wanted }
}

/** The text to compare an id with: in lower case, and a 64-bit trace id with leading zeros. */
export function normalizeIdLiteral({ name }: Intrinsic, op: FieldOp, literal: Literal): Literal {
  const isId = name.endsWith('ID') || name.endsWith(':id')
  if (!isId || literal.type !== 'string' || (op !== '=' && op !== '!=')) return literal
  const hex = literal.value.toLowerCase()
  const isTraceId = name === 'trace:id' || name === 'link:traceID'
  return { ...literal, value: isTraceId && hex !== '' ? hex.padStart(32, '0') : hex }
}

export type ServiceCondition = { readonly op: '=' | '=~'; readonly value: string; readonly parent: boolean }

/**
 * Returns a comparison of `resource.service.name` that the service of the span's row decides. An
 * empty and a missing name are both '' there, so they need the attribute.
 */
export function findServiceCondition({ left, op, right }: Sides): ServiceCondition | undefined {
  if (left.kind !== 'attribute' || left.scope !== 'resource' || left.key !== 'service.name') return undefined
  if (right.kind !== 'literal' || right.type !== 'string' || right.value === '') return undefined
  return op === '=' || op === '=~' ? { op, value: right.value, parent: left.parent } : undefined
}
