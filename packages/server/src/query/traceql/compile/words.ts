import type { Attribute, Field, Literal } from '../ast.ts'
import { isComparison } from './comparison.ts'
import { compareEntry, integerText } from './map-entry.ts'
import type { Params } from './params.ts'
import { entriesOf } from './value.ts'
import type { Row } from './row.ts'

/**
 * What the index of store/sql/words_index.sql knows of a span: its attributes' values, the letters of their types, the id of its source, and a
 * word that every span has. The same expression as there.
 */
const wordsOfSpan = (span: string): string =>
  `arrayConcat(${span}.attrs.values, splitByString('', ${span}.attr_types), [toString(${span}.source_id), '*'])`

/** A span that is sought has one of these words: placeholders of values and letters, or the id of a source that one of the conditions holds for. */
type Words = { readonly texts: readonly string[]; readonly sources: readonly string[] }

/**
 * SQL that holds wherever one of the conditions does, and by which the index passes over granules that have none of the words. `1` where no index
 * helps. One index for all, as a condition is given to one index at a time: an `or` over several is only judged right
 * where each has a granule of its own.
 */
export function narrowedByWords(conditions: readonly Field[], row: Row): string {
  const sets = joined(conditions.map((condition) => wordsOf(condition, row, false)))
  // Sources alone have an index of their own.
  const some = sets.filter((words) => words.texts.length > 0)
  return some.length === 0
    ? '1'
    : some.map((words) => `hasAny(${wordsOfSpan(row.span)}, ${listOf(words)})`).join(' and ')
}

/**
 * SQL: the end of a statement whose last condition that is. The engine takes conditions in the order of their columns' sizes, and this one, which is there for the
 * index, before those that hold for few spans: of 4M spans without the index 2.0 s instead of 1.3.
 */
export const asWritten = 'settings allow_reorder_prewhere_conditions = 0'

/** Of each of the sets a span has a word. Empty: any span may be meant. */
function wordsOf(field: Field, row: Row, negate: boolean): readonly Words[] {
  if (field.kind === 'unary' && field.op === '!') return wordsOf(field.operand, row, !negate)
  if (field.kind !== 'binary') return []
  if (field.op === '&&' || field.op === '||') {
    const sides = [wordsOf(field.left, row, negate), wordsOf(field.right, row, negate)]
    return (field.op === '&&') === negate ? joined(sides) : sides.flat()
  }
  if (negate || !isComparison(field) || field.op !== '=') return []
  const { left, right } = field
  if (left.kind === 'attribute' && right.kind === 'literal') return wordsOfEqual(left, right, row)
  if (left.kind === 'literal' && right.kind === 'attribute') return wordsOfEqual(right, left, row)
  return []
}

/** Of conditions of which one has to hold: a set of each, as one. */
function joined(sides: readonly (readonly Words[])[]): readonly Words[] {
  if (sides.length === 1) return sides[0] ?? []
  const firsts = sides.map(([first]) => first)
  if (firsts.includes(undefined)) return []
  const sets = firsts as readonly Words[]
  return [{ texts: sets.flatMap((words) => words.texts), sources: sets.flatMap((words) => words.sources) }]
}

function wordsOfEqual(attribute: Attribute, literal: Literal, row: Row): readonly Words[] {
  if (attribute.parent || !['any', 'span', 'resource'].includes(attribute.scope)) return []
  const texts = attribute.scope === 'resource' ? [] : textsOf(literal, row.params)
  if (texts === undefined) return []
  if (attribute.scope === 'span') return [{ texts, sources: [] }]
  const [resource] = entriesOf({ ...attribute, scope: 'resource' }, { ...row, source: 'src' })
  return resource === undefined ? [] : [{ texts, sources: [compareEntry(resource, '=', literal, row.params)] }]
}

/** The value as it is kept, and letters of those that are equal to it in another form: an array by an element, a double as a number. */
function textsOf(literal: Literal, params: Params): readonly string[] | undefined {
  switch (literal.type) {
    case 'string':
      return [params.add('String', literal.value), `'a'`]
    case 'int':
    case 'float':
    case 'duration': {
      // An integer has one spelling. A double has one too, but is compared as the engine reads it, right to its last digit or not.
      const text = integerText(literal)
      const exact = text !== undefined && Math.abs(literal.value) <= LARGEST_EXACT
      return exact ? [params.add('String', text), `'a'`, `'d'`] : undefined
    }
    default:
      return undefined
  }
}

/** Half of what a Float64 counts without gaps: no other integer is read as one of these, however it is rounded. */
const LARGEST_EXACT = 2 ** 52

/** Each is looked for in the filter of every eight granules. */
const SOURCES_AT_MOST = 256

function listOf({ texts, sources }: Words): string {
  const list = `[${[...new Set(texts)].join(', ')}]`
  if (sources.length === 0) return list
  return `arrayConcat(${list}, (
    select if(length(ids) > ${SOURCES_AT_MOST}, ['*'], ids) from (
      select groupUniqArray(${SOURCES_AT_MOST + 1})(toString(source_id)) as ids from sources as src where ${sources.join(' or ')})))`
}
