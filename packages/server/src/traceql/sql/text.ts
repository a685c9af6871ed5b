import type { Field } from '../syntax/ast.ts'
import { intrinsics } from '../syntax/intrinsics.ts'
import { existsIn, letterOf } from './attribute-lookup.ts'
import type { Row } from './row.ts'
import { compileValue } from './condition.ts'
import { entriesOf } from './value.ts'

/**
 * The one resource attribute that has a column on the span, so that grouping by it takes no join.
 */
export function isServiceName(field: Field): boolean {
  return field.kind === 'attribute' && field.scope === 'resource' && field.key === 'service.name' && !field.parent
}

/** A field's value as text, null where there is none. */
export function compileText(field: Field, row: Row): string {
  if (isServiceName(field) && row.source === undefined) return `nullIf(toString(${row.span}.service), '')`
  if (field.kind === 'attribute') {
    const found = entriesOf(field, row).map((entry) => `${existsIn(entry)}, ${entry.map}[${entry.key}]`)
    return `multiIf(${found.join(', ')}, null)`
  }
  const value = compileValue(field, row)
  const sql = value.string ?? value.number ?? value.boolean ?? value.status ?? value.kind ?? 'null'
  return value.boolean === undefined ? `toString(${sql})` : `if(${sql}, 'true', 'false')`
}

/** The type of a field's value, a letter as in `spans.attr_types`. */
export function typeLetter(field: Field, row: Row): string {
  if (isServiceName(field) && row.source === undefined) return `'s'`
  if (field.kind === 'attribute') {
    const entries = entriesOf(field, row)
    const letters = entries.map((entry) => `${existsIn(entry)}, if(${entry.types} = '', 's', ${letterOf(entry)})`)
    return `multiIf(${letters.join(', ')}, '')`
  }
  if (field.kind === 'intrinsic') return ['number', 'duration'].includes(intrinsics[field.name].type) ? `'i'` : `'s'`
  return compileValue(field, row).boolean === undefined ? `'d'` : `'b'`
}

/** The same of a label, whose lists, maps and bytes are text. */
export function labelLetter(field: Field, row: Row): string {
  return `transform(${typeLetter(field, row)}, ['i', 'd', 'b'], ['i', 'd', 'b'], 's')`
}
