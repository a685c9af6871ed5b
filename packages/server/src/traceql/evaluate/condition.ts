import type { Field, FieldOp } from '../syntax/ast.ts'
import {
  type Comparison,
  findServiceCondition,
  isAbsence,
  isBoolean,
  isComparison,
  isCondition,
  normalizeComparison,
  normalizeIdLiteral,
  type ServiceCondition,
  unwrapNegations,
} from '../analyze/conditions.ts'
import { getRequiredColumns } from '../sql/required-columns.ts'
import { compareStored, compareValues, type Value } from './compare-values.ts'
import { type Read, readAttribute, readExists, readOperand } from './field-value.ts'
import type { RegexMatches } from './regex-matches.ts'

/** Reads the condition of a `{ }`, with the semantics of sql/condition.ts. */
export function readCondition(field: Field, regexes: RegexMatches): Read<boolean> {
  if (field.kind === 'unary' && field.op === '!' && isCondition(field.operand)) {
    const read = readCondition(field.operand, regexes)
    return (span, item) => !read(span, item)
  }
  if (field.kind === 'binary' && (field.op === '&&' || field.op === '||')) {
    const [left, right] = [readCondition(field.left, regexes), readCondition(field.right, regexes)]
    const decisive = field.op === '||'
    return (span, item) => {
      const unknown = regexes.countUnknown()
      const first = left(span, item)
      // While the first isn't known, texts of the second are collected too, for one lookup.
      if (first === decisive && regexes.countUnknown() === unknown) return decisive
      const second = right(span, item)
      return first === decisive ? decisive : second
    }
  }
  if (isComparison(field)) return readComparison(field, regexes)
  const { bare, wanted } = unwrapNegations(field)
  if (bare.kind === 'literal') return () => bare.type === 'boolean' && bare.value === wanted
  if (bare.kind !== 'attribute') return () => false
  const { from, to } = field
  const right = { kind: 'literal', type: 'boolean', value: wanted, from, to } as const
  return readComparison({ kind: 'binary', op: '=', left: bare, right, from, to }, regexes)
}

/**
 * A comparison of events or links holds when it holds for one of the span's; `= nil` when none has
 * the field.
 */
function readComparison(comparison: Comparison, regexes: RegexMatches): Read<boolean> {
  const { left, op, right } = normalizeComparison(comparison)
  const needs = getRequiredColumns(left, right)
  if (!needs.has('events') && !needs.has('links')) return readOne(left, op, right, regexes)
  const absent = isAbsence(op, right)
  const one = readOne(left, absent ? '!=' : op, right, regexes)
  const items = needs.has('events') ? 'events' : 'links'
  return (span) => {
    // Not `some`: see `readCondition`.
    let found = false
    for (const item of span[items]) found = one(span, item) || found
    return found !== absent
  }
}

function readOne(left: Field, op: FieldOp, right: Field, regexes: RegexMatches): Read<boolean> {
  const service = findServiceCondition({ left, op, right })
  if (service) return readServiceTest(service, regexes)
  if (right.kind === 'literal' && left.kind === 'attribute') {
    const read = readAttribute(left)
    return (span, item) => compareStored(read(span, item), op, right, regexes.matches)
  }
  const value = right.kind === 'literal' && left.kind === 'intrinsic' ? normalizeIdLiteral(left, op, right) : {}
  return readValuesTest(left, op, { ...right, ...value } as Field, regexes)
}

function readServiceTest({ op, value, parent }: ServiceCondition, { matches }: RegexMatches): Read<boolean> {
  const serviceOf: Read<string> = parent ? (span) => span.parent?.service ?? '' : (span) => span.service
  if (op === '=') return (span) => serviceOf(span) === value
  return (span) => serviceOf(span) !== '' && matches(value, serviceOf(span))
}

function readValuesTest(left: Field, op: FieldOp, right: Field, regexes: RegexMatches): Read<boolean> {
  const [leftIsNil, rightIsNil] = [isNil(left), isNil(right)]
  if (leftIsNil && rightIsNil) return () => false
  if (leftIsNil || rightIsNil) {
    const side = leftIsNil ? right : left
    const exists = isBoolean(side) ? () => true : readExists(side)
    return op === '=' ? (span, item) => !exists(span, item) : exists
  }
  const [a, b] = [readValue(left, regexes), readValue(right, regexes)]
  return (span, item) => {
    const [x, y] = [a(span, item), b(span, item)]
    return x !== undefined && y !== undefined && compareValues(x, op, y, regexes.matches)
  }
}

function isNil(field: Field): boolean {
  return field.kind === 'literal' && field.type === 'nil'
}

/** Any field: a side of a comparison may be a condition. */
export function readValue(field: Field, regexes: RegexMatches): Read<Value | undefined> {
  return isBoolean(field) ? readCondition(field, regexes) : readOperand(field)
}
