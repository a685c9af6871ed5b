import type { Field } from '../syntax/ast.ts'
import { compileComparison, compileHasLogEvent, isBoolean, isComparison, needsOnlyEvent } from './comparison.ts'
import { getRequiredColumns, needsOtherSpans } from './required-columns.ts'
import type { Row } from './row.ts'
import { compileOperand, type Value } from './value.ts'

/**
 * The condition of a `{ }` as SQL, never null.
 *
 * `exact` needs every join of its fields. `superset` runs without joins: comparisons that it cannot
 * decide count as true, negated or not, so no span is lost.
 */
export function compileCondition(field: Field, row: Row, mode: 'exact' | 'superset', negate = false): string {
  if (field.kind === 'unary' && field.op === '!' && isCondition(field.operand)) {
    return compileCondition(field.operand, row, mode, !negate)
  }
  if (field.kind === 'binary' && (field.op === '&&' || field.op === '||')) {
    const left = compileCondition(field.left, row, mode, negate)
    const right = compileCondition(field.right, row, mode, negate)
    return (field.op === '&&') === negate ? joinOr(left, right) : joinAnd(left, right)
  }
  if (mode === 'superset' && !canDecide(field, row)) return '1'
  const sql = compileTest(field, row)
  return negate ? `not ${sql}` : sql
}

/**
 * Each comparison of an event is a subquery over `logs`; planning ten takes ClickHouse 0.1 s.
 */
const MAX_EVENT_LOOKUPS = 8

/**
 * Compiles `superset` of several conditions. Above `MAX_EVENT_LOOKUPS`, any span with a logged
 * event may match.
 */
export function compileSupersets(conditions: readonly (Field | undefined)[], row: Row): string[] {
  const compile = (row: Row): string[] =>
    conditions.map((condition) => (condition ? compileCondition(condition, row, 'superset') : '1'))
  const { logEvents } = row
  const lookups = conditions.reduce((sum, condition) => sum + (condition ? countEventLookups(condition) : 0), 0)
  if (lookups <= MAX_EVENT_LOOKUPS || logEvents === undefined || 'joined' in logEvents) return compile(row)
  return compile({ ...row, logEvents: undefined }).map((own) => joinOr(own, compileHasLogEvent(row, logEvents.where)))
}

function countEventLookups(field: Field): number {
  if (isComparison(field)) return getRequiredColumns(field).has('events') ? 1 : 0
  if (field.kind === 'unary') return countEventLookups(field.operand)
  return field.kind === 'binary' ? countEventLookups(field.left) + countEventLookups(field.right) : 0
}

/** Whether the span's own row decides the condition: then `superset` equals `exact`. */
export function canDecideWithoutJoins(field: Field, row: Row): boolean {
  return countEventLookups(field) <= MAX_EVENT_LOOKUPS && canDecide(field, row)
}

function canDecide(field: Field, row: Row): boolean {
  if (field.kind === 'unary' && field.op === '!') return canDecide(field.operand, row)
  if (field.kind === 'binary' && (field.op === '&&' || field.op === '||')) {
    return canDecide(field.left, row) && canDecide(field.right, row)
  }
  const needs = getRequiredColumns(field)
  if (needsOtherSpans(field)) return false
  const needsOnlyLoggedEvent = isComparison(field) && needsOnlyEvent(field.left, field.right)
  if (needs.has('events') && row.logEvents && 'where' in row.logEvents && !needsOnlyLoggedEvent) return false
  // Without the join, a resource compares through source_id, with literals only.
  return !needs.has('source') || row.source !== undefined || comparesSourceWithValue(field)
}

function comparesSourceWithValue(field: Field): boolean {
  if (!isComparison(field)) return field.kind === 'attribute' || field.kind === 'literal'
  const sides = [field.left, field.right]
  return (
    sides.some((side) => side.kind === 'literal') &&
    sides.some((side) => side.kind === 'attribute' || side.kind === 'intrinsic')
  )
}

/** Whether a field is true or false for every span; a bare attribute may be missing. */
function isCondition(field: Field): boolean {
  return isBoolean(field) && (field.kind !== 'unary' || isCondition(field.operand))
}

/** A field as SQL: one nullable expression for each type that it may have. */
export function compileValue(field: Field, row: Row): Value {
  return isBoolean(field) ? { boolean: compileCondition(field, row, 'exact'), exists: '1' } : compileOperand(field, row)
}

/**
 * A comparison, or a bare boolean: `{ .sampled }` is `{ .sampled = true }`, and `{ !.sampled }` is
 * `= false`.
 */
function compileTest(field: Field, row: Row): string {
  if (isComparison(field)) return compileComparison(field, row, compileValue)
  let bare = field
  let wanted = true
  while (bare.kind === 'unary' && bare.op === '!') {
    bare = bare.operand
    wanted = !wanted
  }
  if (bare.kind === 'literal') return bare.type === 'boolean' && bare.value === wanted ? '1' : '0'
  if (bare.kind !== 'attribute') return `ifNull(${compileValue(bare, row).boolean ?? 'null'} = ${wanted}, 0)`
  const { from, to } = field
  const right = { kind: 'literal', type: 'boolean', value: wanted, from, to } as const
  return compileComparison({ kind: 'binary', op: '=', left: bare, right, from, to }, row, compileValue)
}

function joinAnd(left: string, right: string): string {
  if (left === '1') return right
  return right === '1' ? left : `(${left} and ${right})`
}

function joinOr(left: string, right: string): string {
  return left === '1' || right === '1' ? '1' : `(${left} or ${right})`
}
