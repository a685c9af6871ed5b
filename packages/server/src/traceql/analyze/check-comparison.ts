import type { Field } from '../syntax/ast.ts'
import { getRequiredColumns } from '../sql/required-columns.ts'
import type { FieldType } from '../syntax/intrinsics.ts'
import { listLeaves } from './list-parts.ts'
import { findRegexProblem } from './regex.ts'

/** Throws an error at one part of the query. */
export type Refuse = (
  at: { readonly from: number; readonly to: number },
  message: string,
  code?: 'type' | 'unsupported',
) => never

/** Rejects comparisons that can never hold or are not supported. */
export function checkComparison(
  field: Field & { kind: 'binary' },
  left: FieldType,
  right: FieldType,
  refuse: Refuse,
): void {
  const { op } = field
  if (op === '=~' || op === '!~') return checkRegex(field, left, refuse)
  const needs = getRequiredColumns(field)
  if (needs.has('tree') && [left, right].includes('boolean')) {
    refuse(field, 'Nested set numbers compare with numbers: write the condition without "= true".', 'unsupported')
  }
  if (needs.has('tree') && (needs.has('events') || needs.has('links'))) {
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
  return getRequiredColumns(field).has('links')
}

function isConstant(field: Field): boolean {
  return listLeaves(field).every((leaf) => leaf.kind === 'literal')
}

function describeMismatch(field: Field & { kind: 'binary' }, left: FieldType, right: FieldType): string {
  const base = `${describeType(left)} never equals ${describeType(right)}`
  const text = field.right.kind === 'literal' && field.right.type === 'string' ? field.right.value : undefined
  if (text !== undefined && (left === 'status' || left === 'kind')) return `${base}: write ${text} without quotes.`
  if (left === 'duration' || right === 'duration')
    return `${base}: a duration is written like 100ms or 1h30m, without quotes.`
  return `${base}.`
}

export function isNumber(type: FieldType): boolean {
  return type === 'number' || type === 'duration' || type === 'any'
}

/** Names a type in an error message. */
export function describeType(type: FieldType): string {
  return {
    string: 'text',
    number: 'a number',
    duration: 'a duration',
    boolean: 'a condition',
    status: 'a status',
    kind: 'a kind',
    nil: 'nil',
    any: 'an attribute',
  }[type]
}
