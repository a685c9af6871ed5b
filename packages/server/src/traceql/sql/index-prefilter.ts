import type { Attribute, Field, Literal } from '../syntax/ast.ts'
import { isComparison, filterBySources } from './comparison.ts'
import { toSingleCondition, compareLookup, formatInteger } from './attribute-lookup.ts'
import type { Params } from './params.ts'
import type { Row } from './row.ts'
import { resolveLookups } from './value.ts'

/**
 * What a span must have for a comparison to hold: one of these values among its attributes
 * (placeholders), or an attribute of one of these types, or a source that one of these conditions
 * holds for.
 */
type IndexHints = {
  readonly values: readonly string[]
  readonly typeCodes: readonly TypeCode[]
  readonly sources: readonly string[]
}

/**
 * An array is equal to what one of its elements is, a double to a number that it isn't spelled as.
 */
type TypeCode = 'a' | 'd'

/**
 * SQL: the spans of a window for which one of the conditions may hold, as `row.span`, to stand
 * after FROM. Each kind of mark has its index (schema/spans.sql) and its part of a
 * union, for the engine goes by one index with filters for eight granules at a time: of an `or`
 * over several it rules out one granule of the eight only. Without marks, or with many, it is the
 * table.
 */
export function prefilterByIndex(conditions: readonly Field[], row: Row, window: string): string {
  const { span } = row
  const sets = mergeHints(conditions.map((condition) => findIndexHints(condition, row, false)))
  // Sources alone have an index that needs no help.
  const some = sets.filter((marks) => marks.values.length > 0)
  const count = some.reduce((sum, marks) => sum + marks.values.length, 0)
  if (count === 0 || count > MAX_VALUES) return `spans as ${span}`
  const letters = [...new Set(some.flatMap((marks) => marks.typeCodes))]
  const sources = [...new Set(some.flatMap((marks) => marks.sources))]
  const kinds = [
    some.map(({ values }) => `hasAny(${span}.attrs.values, [${values.join(', ')}])`).join(' and '),
    `hasAny(splitByString('', ${span}.attr_types), [${letters.map((letter) => `'${letter}'`).join(', ')}])`,
    ...(sources.length === 0 ? [] : [filterBySources(row, sources.join(' or '))]),
  ]
  const parts = kinds.map((kind, at) => {
    // None of the parts before; said so that no index is read for it.
    const others = kinds.slice(0, at).map((before) => `not ${toSingleCondition(before)}`)
    return `select * from spans as ${span} where ${[window, kind, ...others].join(' and ')}`
  })
  return `(${parts.join(' union all ')}) as ${span}`
}

/**
 * Each part of the union is planned with all of the conditions: with 60 it takes the engine longer
 * than to look at the spans.
 */
const MAX_VALUES = 8

/** A span has marks of each of the sets. Empty: any span may be meant. */
function findIndexHints(field: Field, row: Row, negate: boolean): readonly IndexHints[] {
  if (field.kind === 'unary' && field.op === '!') return findIndexHints(field.operand, row, !negate)
  if (field.kind !== 'binary') return []
  if (field.op === '&&' || field.op === '||') {
    const sides = [findIndexHints(field.left, row, negate), findIndexHints(field.right, row, negate)]
    return (field.op === '&&') === negate ? mergeHints(sides) : sides.flat()
  }
  if (negate || !isComparison(field) || field.op !== '=') return []
  const { left, right } = field
  if (left.kind === 'attribute' && right.kind === 'literal') return createEqualityHints(left, right, row)
  if (left.kind === 'literal' && right.kind === 'attribute') return createEqualityHints(right, left, row)
  return []
}

/** Of conditions of which one has to hold: a set of each, as one. */
function mergeHints(sides: readonly (readonly IndexHints[])[]): readonly IndexHints[] {
  if (sides.length === 1) return sides[0] ?? []
  const sets = sides.flatMap(([first]) => (first === undefined ? [] : [first]))
  if (sets.length < sides.length) return []
  return [
    {
      values: sets.flatMap((marks) => marks.values),
      typeCodes: sets.flatMap((marks) => marks.typeCodes),
      sources: sets.flatMap((marks) => marks.sources),
    },
  ]
}

function createEqualityHints(attribute: Attribute, literal: Literal, row: Row): readonly IndexHints[] {
  if (attribute.parent || !['any', 'span', 'resource'].includes(attribute.scope)) return []
  const own = attribute.scope === 'resource' ? NONE : createLiteralHints(literal, row.params)
  if (own === undefined) return []
  if (attribute.scope === 'span') return [own]
  const [resource] = resolveLookups({ ...attribute, scope: 'resource' }, { ...row, source: 'src' })
  return resource === undefined ? [] : [{ ...own, sources: [compareLookup(resource, '=', literal, row.params)] }]
}

const NONE: IndexHints = { values: [], typeCodes: [], sources: [] }

/** `undefined` when nothing has to be there. */
function createLiteralHints(literal: Literal, params: Params): IndexHints | undefined {
  switch (literal.type) {
    case 'string':
      return { ...NONE, values: [params.add('String', literal.value)], typeCodes: ['a'] }
    case 'int':
    case 'float':
    case 'duration': {
      // An integer has one spelling. A double has one too, but is compared as the engine reads it,
      // right to its last digit or not.
      const text = formatInteger(literal)
      if (text === undefined || Math.abs(literal.value) > MAX_EXACT_INTEGER) return undefined
      return { ...NONE, values: [params.add('String', text)], typeCodes: ['a', 'd'] }
    }
    default:
      return undefined
  }
}

/**
 * Half of what a Float64 counts without gaps: no other integer is read as one of these, however it
 * is rounded.
 */
const MAX_EXACT_INTEGER = 2 ** 52
