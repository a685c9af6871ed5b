import type { Field } from '../syntax/ast.ts'
import { type ColumnGroup, getRequiredColumns } from '../sql/required-columns.ts'
import { isNumber, describeType, type Refuse } from './field-type.ts'
import { type FieldType, intrinsics } from '../syntax/intrinsics.ts'
import { findRegexProblem } from './regex.ts'

/** Rejects comparisons that can never hold or are not supported. */
export function checkComparison(
  field: Field & { kind: 'binary' },
  left: FieldType,
  right: FieldType,
  refuse: Refuse,
): void {
  const { op } = field
  if (op === '=~' || op === '!~') return checkRegex(field, left, refuse)
  if (getRequiredColumns(field).has('tree') && [left, right].includes('boolean')) {
    refuse(field, 'Nested set numbers compare with numbers: write the condition without "= true".', 'unsupported')
  }
  if (
    getRequiredColumns(field).has('tree') &&
    ['events', 'links'].some((need) => getRequiredColumns(field).has(need as ColumnGroup))
  ) {
    refuse(field, 'Fields of events and links do not compare with nested set numbers.', 'unsupported')
  }
  if (readsLinks(field.left) && readsLinks(field.right)) {
    refuse(field, 'Fields of links compare with values, not with each other.', 'unsupported')
  }
  for (const [link, other] of [
    [field.left, field.right],
    [field.right, field.left],
  ] as const) {
    if (readsLinks(link) && !isConstant(other))
      refuse(other, 'Fields of links compare with values only.', 'unsupported')
  }
  if (left === 'any' || right === 'any' || left === 'nil' || right === 'nil') {
    const nil = left === 'nil' || right === 'nil'
    if (nil && op !== '=' && op !== '!=') refuse(field, `nil supports only = and !=, not "${op}".`)
    return
  }
  if (left !== right && !(isNumber(left) && isNumber(right))) refuse(field, describeMismatch(field, left, right))
  if (['status', 'kind', 'boolean'].includes(left) && op !== '=' && op !== '!=') {
    refuse(field, `${describeType(left)} supports only = and !=, not "${op}".`)
  }
}

function checkRegex(field: Field & { kind: 'binary' }, left: FieldType, refuse: Refuse): void {
  if (left !== 'string' && left !== 'any')
    refuse(field.left, `"${field.op}": expected text, got ${describeType(left)}.`)
  if (field.right.kind !== 'literal' || field.right.type !== 'string') {
    refuse(field.right, `"${field.op}": expected a quoted regular expression on its right.`)
  }
  const problem = findRegexProblem(field.right.value)
  if (problem) refuse(field.right, `The regular expression is not valid: ${problem}.`)
}

function readsLinks(field: Field): boolean {
  if (field.kind === 'attribute') return field.scope === 'link'
  if (field.kind === 'intrinsic') return intrinsics[field.name].home === 'link'
  if (field.kind === 'unary') return readsLinks(field.operand)
  return field.kind === 'binary' && (readsLinks(field.left) || readsLinks(field.right))
}

function isConstant(field: Field): boolean {
  if (field.kind === 'literal') return true
  if (field.kind === 'unary') return isConstant(field.operand)
  return field.kind === 'binary' && isConstant(field.left) && isConstant(field.right)
}

function describeMismatch(field: Field & { kind: 'binary' }, left: FieldType, right: FieldType): string {
  const base = `${describeType(left)} never equals ${describeType(right)}`
  const text = field.right.kind === 'literal' && field.right.type === 'string' ? field.right.value : undefined
  if (text !== undefined && (left === 'status' || left === 'kind')) return `${base}: write ${text} without quotes.`
  if (left === 'duration' || right === 'duration')
    return `${base}: a duration is written like 100ms or 1h30m, without quotes.`
  return `${base}.`
}
