import type { Field, ScalarOp } from '../syntax/ast.ts'
import { isBoolean } from '../sql/comparison.ts'
import { getRequiredColumns } from '../sql/required-columns.ts'
import { calculate, compareNumbers } from '../analyze/constant-folding.ts'
import type { Label } from '../metrics/labels.ts'
import type { NestedSet } from './nested-set.ts'

/**
 * Whether a field uses nested-set numbers. SQL has none, so it is evaluated here from its parts.
 */
export function needsTree(field: Field | undefined): field is Field {
  return field !== undefined && getRequiredColumns(field).has('tree')
}

/** The parts of such fields that ClickHouse computes: the largest without nested-set numbers. */
export type Parts = { readonly conditions: readonly Field[]; readonly numbers: readonly Field[] }

export function collectParts(fields: readonly Field[]): Parts {
  const conditions = new Set<Field>()
  const numbers = new Set<Field>()
  const visit = (field: Field): void => {
    if (!needsTree(field)) (isBoolean(field) ? conditions : numbers).add(field)
    else if (field.kind === 'unary') visitOperand(field.op === '!', field.operand)
    else if (field.kind === 'binary') {
      const joins = field.op === '&&' || field.op === '||'
      visitOperand(joins, field.left)
      visitOperand(joins, field.right)
    }
  }
  // A bare attribute is a condition between && and ||, and a number elsewhere.
  const visitOperand = (asCondition: boolean, field: Field): void => {
    if (asCondition && !needsTree(field)) conditions.add(field)
    else visit(field)
  }
  for (const field of fields) visit(field)
  return { conditions: [...conditions], numbers: [...numbers] }
}

/** Values of one span: of the parts, from ClickHouse, and its nested-set numbers. */
export type SpanValues = {
  /** Undefined unless the field is a part. */
  condition(part: Field): boolean | undefined
  number(part: Field): number | null | undefined
  nested(name: keyof NestedSet): number
}

export function evaluateCondition(field: Field, values: SpanValues): boolean {
  const part = values.condition(field)
  if (part !== undefined) return part
  if (field.kind === 'unary') return !evaluateCondition(field.operand, values)
  if (field.kind !== 'binary') return false
  if (field.op === '&&') return evaluateCondition(field.left, values) && evaluateCondition(field.right, values)
  if (field.op === '||') return evaluateCondition(field.left, values) || evaluateCondition(field.right, values)
  if (isNil(field.left) || isNil(field.right)) return field.op === '!='
  const [left, right] = [evaluateNumber(field.left, values), evaluateNumber(field.right, values)]
  return left !== null && right !== null && compareNumbers(left, field.op as ScalarOp, right)
}

export function evaluateNumber(field: Field, values: SpanValues): number | null {
  const part = values.number(field)
  if (part !== undefined) return part
  if (field.kind === 'intrinsic') return values.nested(field.name as keyof NestedSet)
  if (field.kind === 'unary') {
    const value = evaluateNumber(field.operand, values)
    return value === null ? null : -value
  }
  if (field.kind !== 'binary') return null
  const [left, right] = [evaluateNumber(field.left, values), evaluateNumber(field.right, values)]
  if (left === null || right === null) return null
  return calculate(field.op as Parameters<typeof calculate>[0], left, right)
}

function isNil(field: Field): boolean {
  return field.kind === 'literal' && field.type === 'nil'
}

/** Evaluates a field to a label of by(). */
export function evaluateLabel(field: Field, values: SpanValues): Label | null {
  if (isBoolean(field)) return { text: String(evaluateCondition(field, values)), type: 'bool' }
  const value = evaluateNumber(field, values)
  return value === null ? null : { text: String(value), type: field.kind === 'intrinsic' ? 'int' : 'float' }
}
