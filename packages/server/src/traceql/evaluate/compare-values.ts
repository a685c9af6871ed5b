import type { FieldOp, Literal, ScalarOp } from '../syntax/ast.ts'
import { formatInteger } from '../sql/attribute-lookup.ts'
import type { MatchRegex } from './regex-matches.ts'
import type { StoredValue } from '../../query/trace-rows/trace-row.ts'

/** Text, a number, a condition, a status or a kind. */
export type Value = string | number | bigint | boolean | Word

/** A status or a kind: never equal to text. There is one object per word. */
export type Word = { readonly type: 'status' | 'kind'; readonly word: string }

const words = new Map<string, Word>()

export function toWord(type: Word['type'], word: string): Word {
  const known = words.get(`${type} ${word}`) ?? { type, word }
  words.set(`${type} ${word}`, known)
  return known
}

/** Compares values of equal type; values of different types never match. */
export function compareValues(left: Value, op: FieldOp, right: Value, matchRegex: MatchRegex): boolean {
  if (typeof left === 'string') return typeof right === 'string' && compareTexts(left, op, right, matchRegex)
  if (isNumeric(left)) return isNumeric(right) && compareOrdered(left, op as ScalarOp, right)
  if (typeof left === 'boolean') return typeof right === 'boolean' && compareOrdered(left, op as ScalarOp, right)
  return typeof right === 'object' && left.type === right.type && compareOrdered(left, op as ScalarOp, right)
}

function isNumeric(value: Value): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint'
}

function compareTexts(left: string, op: FieldOp, right: string, matchRegex: MatchRegex): boolean {
  switch (op) {
    case '=':
      return left === right
    case '!=':
      return left !== right
    case '=~':
      return matchRegex(right, left)
    case '!~':
      return !matchRegex(right, left)
    default:
      // By bytes, as ClickHouse does: UTF-16 has another order.
      return compareOrdered(Buffer.compare(Buffer.from(left), Buffer.from(right)), op as ScalarOp, 0)
  }
}

function compareOrdered<T>(left: T, op: ScalarOp, right: T): boolean {
  switch (op) {
    case '=':
      // oxlint-disable-next-line eslint/eqeqeq -- 1n equals 1
      return left == right
    case '!=':
      // oxlint-disable-next-line eslint/eqeqeq -- 1n equals 1
      return left != right
    case '<':
      return left < right
    case '<=':
      return left <= right
    case '>':
      return left > right
    case '>=':
      return left >= right
  }
}

/** The attribute as a value; undefined for lists, maps, bytes and empty ones. */
export function toValue({ text, code }: StoredValue): Value | undefined {
  switch (code) {
    case 's':
      return text
    case 'b':
      return text === 'true'
    case 'i':
    case 'd':
      return parseNumber(text)
    default:
      return undefined
  }
}

function parseNumber(text: string): number | undefined {
  const number = Number(text)
  return text === '' || (Number.isNaN(number) && text !== 'NaN') ? undefined : number
}

/** Compares an attribute with a value. A list equals a value when one of its elements does. */
export function compareStored(
  stored: StoredValue | undefined,
  op: FieldOp,
  literal: Literal,
  matchRegex: MatchRegex,
): boolean {
  if (literal.type === 'nil') return (stored === undefined) === (op === '=')
  if (stored === undefined) return false
  if (stored.code === 'a') return compareList(stored.text, op, literal, matchRegex)
  switch (literal.type) {
    case 'boolean':
      return stored.code === 'b' && compareOrdered(stored.text, op as ScalarOp, String(literal.value))
    case 'string':
      return stored.code === 's' && compareTexts(stored.text, op, literal.value, matchRegex)
    case 'int':
      // Integers compare as text: a double holds 53 of their 64 bits.
      if (stored.code === 'i' && (op === '=' || op === '!=')) return (stored.text === literal.text) === (op === '=')
      return compareAsNumber(stored, op, literal.value)
    case 'float':
    case 'duration':
      return compareAsNumber(stored, op, literal.value)
    default:
      // Attributes have no status or kind type.
      return false
  }
}

function compareAsNumber({ text, code }: StoredValue, op: FieldOp, value: number): boolean {
  const number = code === 'i' || code === 'd' ? parseNumber(text) : undefined
  return number !== undefined && compareOrdered(number, op as ScalarOp, value)
}

/** Same semantics as sql/attribute-lookup.ts: elements of OTLP/JSON text. */
function compareList(json: string, op: FieldOp, literal: Literal, matchRegex: MatchRegex): boolean {
  const has = (...elements: readonly object[]): boolean => elements.some((each) => json.includes(JSON.stringify(each)))
  const isNegative = op === '!=' || op === '!~'
  switch (literal.type) {
    case 'boolean':
      return has({ boolValue: literal.value }) !== isNegative
    case 'string':
      if (op === '=' || op === '!=') return has({ stringValue: literal.value }) !== isNegative
      return (
        listElements(json).some(
          ({ stringValue: text }) =>
            text !== undefined && compareTexts(text, op === '!~' ? '=~' : op, literal.value, matchRegex),
        ) !== isNegative
      )
    case 'int':
    case 'float':
    case 'duration': {
      if (op === '=' || op === '!=') {
        const intValue = formatInteger(literal)
        return has({ doubleValue: literal.value }, ...(intValue === undefined ? [] : [{ intValue }])) !== isNegative
      }
      return listElements(json).some(({ intValue, doubleValue }) => {
        const number = intValue === undefined ? doubleValue : parseNumber(intValue)
        return typeof number === 'number' && compareOrdered(number, op as ScalarOp, literal.value)
      })
    }
    default:
      return false
  }
}

type ListElement = { readonly stringValue?: string; readonly intValue?: string; readonly doubleValue?: number | string }

/** The receiver writes valid JSON; text of an altered row has no elements. */
function listElements(json: string): readonly ListElement[] {
  try {
    const list = JSON.parse(json) as { readonly arrayValue?: { readonly values?: readonly ListElement[] } }
    return list.arrayValue?.values ?? []
  } catch {
    return []
  }
}
