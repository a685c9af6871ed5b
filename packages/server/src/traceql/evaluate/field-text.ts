import type { Field } from '../syntax/ast.ts'
import { intrinsics } from '../syntax/intrinsics.ts'
import type { Value } from './compare-values.ts'
import { readValue } from './condition.ts'
import { type Read, readAttribute } from './field-value.ts'
import type { RegexMatches } from './regex-matches.ts'
import type { StoredValue } from '../../query/trace-rows/trace-row.ts'

/** Reads a field as text with a type code, as sql/text.ts does; undefined where it is missing. */
export function readText(field: Field, regexes: RegexMatches): Read<StoredValue | undefined> {
  if (field.kind === 'attribute') return readAttribute(field)
  const read = readValue(field, regexes)
  return (span, item) => {
    const value = read(span, item)
    return value === undefined ? undefined : { text: formatValue(value), code: findTypeCode(field, value) }
  }
}

function findTypeCode(field: Field, value: Value): string {
  if (field.kind === 'intrinsic') return ['number', 'duration'].includes(intrinsics[field.name].type) ? 'i' : 's'
  return typeof value === 'boolean' ? 'b' : 'd'
}

/** As ClickHouse's `toString` does. */
function formatValue(value: Value): string {
  if (typeof value === 'object') return value.word
  if (typeof value !== 'number') return String(value)
  if (Number.isFinite(value)) return Object.is(value, -0) ? '-0' : String(value).replace('e+', 'e')
  return String(value).toLowerCase().replace('infinity', 'inf')
}
