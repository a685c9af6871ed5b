import type { Field } from '../syntax/ast.ts'
import { intrinsics } from '../syntax/intrinsics.ts'
import { compileExists, compileTypeCode } from './attribute-lookup.ts'
import type { Row } from './row.ts'
import { compileValue } from './condition.ts'
import { resolveLookups } from './value.ts'

/**
 * `service.name` has a column on the span, so grouping by it needs no join.
 */
export function isServiceName(field: Field): boolean {
  return field.kind === 'attribute' && field.scope === 'resource' && field.key === 'service.name' && !field.parent
}

/** Compiles a field's value to text, null where it is missing. */
export function compileText(field: Field, row: Row): string {
  if (isServiceName(field) && row.source === undefined) return `nullIf(toString(${row.span}.service), '')`
  if (field.kind === 'attribute') {
    const found = resolveLookups(field, row).map((entry) => `${compileExists(entry)}, ${entry.map}[${entry.key}]`)
    return `multiIf(${found.join(', ')}, null)`
  }
  const value = compileValue(field, row)
  const sql = value.string ?? value.number ?? value.boolean ?? value.status ?? value.kind ?? 'null'
  return value.boolean === undefined ? `toString(${sql})` : `if(${sql}, 'true', 'false')`
}

/** Compiles the type code of a field's value, as in `spans.attr_types`. */
export function compileFieldTypeCode(field: Field, row: Row): string {
  if (isServiceName(field) && row.source === undefined) return `'s'`
  if (field.kind === 'attribute') {
    const entries = resolveLookups(field, row)
    const typeConditions = entries.map(
      (entry) => `${compileExists(entry)}, if(${entry.types} = '', 's', ${compileTypeCode(entry)})`,
    )
    return `multiIf(${typeConditions.join(', ')}, '')`
  }
  if (field.kind === 'intrinsic') return ['number', 'duration'].includes(intrinsics[field.name].type) ? `'i'` : `'s'`
  return compileValue(field, row).boolean === undefined ? `'d'` : `'b'`
}

/** As `compileFieldTypeCode`, with arrays, maps and bytes as strings. */
export function compileLabelTypeCode(field: Field, row: Row): string {
  return `transform(${compileFieldTypeCode(field, row)}, ['i', 'd', 'b'], ['i', 'd', 'b'], 's')`
}
