import type { Attribute, Field, Literal } from '../syntax/ast.ts'
import { isComparison } from '../analyze/conditions.ts'
import { filterBySources } from './comparison.ts'
import { toSingleCondition, compareLookup, formatInteger } from './attribute-lookup.ts'
import type { Params } from './params.ts'
import type { Row } from './row.ts'
import { resolveLookups } from './value.ts'

/**
 * A span that matches has one of these values (placeholders), an attribute with one of these type
 * codes, or a source that one of these conditions matches.
 */
type IndexHints = {
  readonly values: readonly string[]
  readonly typeCodes: readonly TypeCode[]
  readonly sources: readonly string[]
}

/**
 * Arrays equal their elements, and doubles equal numbers with other text.
 */
type TypeCode = 'a' | 'd'

/**
 * Lists conditions that each use one skip index of `spans`; a span that matches one of `conditions`
 * has exactly one of them. Empty if indexes do not help. For an `or` over several indexes,
 * ClickHouse skips far less.
 */
export function listIndexConditions(conditions: readonly Field[], row: Row): readonly string[] {
  const { span } = row
  const sets = mergeHints(conditions.map((condition) => findIndexHints(condition, row, false)))
  // A condition on sources alone uses its index anyway.
  const some = sets.filter((hints) => hints.values.length > 0)
  const count = some.reduce((sum, hints) => sum + hints.values.length, 0)
  if (count === 0 || count > MAX_VALUES) return []
  const typeCodes = [...new Set(some.flatMap((hints) => hints.typeCodes))]
  const sources = [...new Set(some.flatMap((hints) => hints.sources))]
  const hasType = typeCodes.map((code) => `position(${span}.attr_types, '${code}') > 0`).join(' or ')
  const kinds = [
    some.map(({ values }) => `hasAny(${span}.attrs.values, [${values.join(', ')}])`).join(' and '),
    // The index is on the split text, which takes ten times as long as `position`.
    `(${hasType}) and hasAny(splitByString('', ${span}.attr_types), [${typeCodes.map((code) => `'${code}'`).join(', ')}])`,
    ...(sources.length === 0 ? [] : [filterBySources(row, sources.join(' or '))]),
  ]
  return kinds.map((kind, at) => {
    // Excludes those before, written so that no index is read for it.
    const others = kinds.slice(0, at).map((before) => `not ${toSingleCondition(before)}`)
    return [kind, ...others].join(' and ')
  })
}

/**
 * Each is planned with all conditions of the query: with 60, planning takes longer than a scan.
 */
const MAX_VALUES = 8

/** A matching span has hints of each of these sets. Empty: any span may match. */
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

/** Merges the hints of alternatives: combines the first set of each. */
function mergeHints(sides: readonly (readonly IndexHints[])[]): readonly IndexHints[] {
  if (sides.length === 1) return sides[0] ?? []
  const sets = sides.flatMap(([first]) => (first === undefined ? [] : [first]))
  if (sets.length < sides.length) return []
  return [
    {
      values: sets.flatMap((hints) => hints.values),
      typeCodes: sets.flatMap((hints) => hints.typeCodes),
      sources: sets.flatMap((hints) => hints.sources),
    },
  ]
}

function createEqualityHints(attribute: Attribute, literal: Literal, row: Row): readonly IndexHints[] {
  if (attribute.parent || !['any', 'span', 'resource'].includes(attribute.scope)) return []
  const own = attribute.scope === 'resource' ? NONE : createLiteralHints(literal, row.params)
  if (own === undefined) return []
  if (attribute.scope === 'span') return [own]
  const [resource] = resolveLookups({ ...attribute, scope: 'resource' }, { ...row, source: 'src' })
  return [{ ...own, sources: [compareLookup(resource, '=', literal, row.params)] }]
}

const NONE: IndexHints = { values: [], typeCodes: [], sources: [] }

/** `undefined` when a matching span needs no certain value. */
function createLiteralHints(literal: Literal, params: Params): IndexHints | undefined {
  switch (literal.type) {
    case 'string':
      return { ...NONE, values: [params.add('String', literal.value)], typeCodes: ['a'] }
    case 'int':
    case 'float':
    case 'duration': {
      // An integer has one spelling. A double compares as ClickHouse parses it, maybe inexactly.
      const text = formatInteger(literal)
      if (text === undefined || Math.abs(literal.value) > MAX_EXACT_INTEGER) return undefined
      return { ...NONE, values: [params.add('String', text)], typeCodes: ['a', 'd'] }
    }
    default:
      return undefined
  }
}

/**
 * Half of the range that a Float64 represents exactly: rounding maps no other integer into it.
 */
const MAX_EXACT_INTEGER = 2 ** 52
