import type { Field } from '../syntax/ast.ts'
import {
  findServiceCondition,
  isBoolean,
  isComparison,
  isCondition,
  normalizeComparison,
  unwrapNegations,
} from '../analyze/conditions.ts'
import { compileComparison, compileHasLogEvent, needsOnlyEvent } from './comparison.ts'
import { getRequiredColumns, needsOtherSpans } from './required-columns.ts'
import type { Row } from './row.ts'
import { compileOperand, type Value } from './value.ts'

/**
 * The condition of a `{ }` as SQL, never null.
 *
 * `exact` needs every join of its fields. `superset` runs without joins, and `columns` with small
 * columns only: comparisons that they cannot decide count as true, negated or not, so no span is
 * lost.
 */
export function compileCondition(field: Field, row: Row, mode: Mode, negate = false): string {
  if (field.kind === 'unary' && field.op === '!' && isCondition(field.operand)) {
    return compileCondition(field.operand, row, mode, !negate)
  }
  if (field.kind === 'binary' && (field.op === '&&' || field.op === '||')) {
    const left = compileCondition(field.left, row, mode, negate)
    const right = compileCondition(field.right, row, mode, negate)
    return (field.op === '&&') === negate ? joinOr(left, right) : joinAnd(left, right)
  }
  if (mode === 'superset' && !canDecide(field, row)) return '1'
  if (mode === 'columns' && !readsSmallColumns(field)) return '1'
  const sql = compileTest(field, row)
  return negate ? `not ${sql}` : sql
}

type Mode = 'exact' | 'superset' | 'columns'

/** Conditions that are decided before attributes are read; the sort key has service and name. */
function readsSmallColumns(field: Field): boolean {
  if (!isComparison(field)) return false
  const { left, op, right } = normalizeComparison(field)
  const service = findServiceCondition({ left, op, right })
  if (service) return !service.parent
  return right.kind === 'literal' && left.kind === 'intrinsic' && SMALL_COLUMNS.has(left.name)
}

const SMALL_COLUMNS: ReadonlySet<string> = new Set(['span:name', 'span:status', 'span:kind', 'span:duration'])

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
  if (lookups <= MAX_EVENT_LOOKUPS || logEvents === undefined) return compile(row)
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
  if (needs.has('events') && row.logEvents && !needsOnlyLoggedEvent) return false
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

/** A field as SQL: one nullable expression for each type that it may have. */
export function compileValue(field: Field, row: Row): Value {
  return isBoolean(field) ? { boolean: compileCondition(field, row, 'exact'), exists: '1' } : compileOperand(field, row)
}

function compileTest(field: Field, row: Row): string {
  if (isComparison(field)) return compileComparison(field, row, compileValue)
  const { bare, wanted } = unwrapNegations(field)
  if (bare.kind === 'literal') return bare.type === 'boolean' && bare.value === wanted ? '1' : '0'
  if (bare.kind !== 'attribute') return '0'
  const { from, to } = field
  const right = { kind: 'literal', type: 'boolean', value: wanted, from, to } as const
  return compileComparison({ kind: 'binary', op: '=', left: bare, right, from, to }, row, compileValue)
}

export function joinAnd(left: string, right: string): string {
  if (left === '1') return right
  return right === '1' ? left : `(${left} and ${right})`
}

export function joinOr(left: string, right: string): string {
  return left === '1' || right === '1' ? '1' : `(${left} or ${right})`
}
