import type { Store } from '../../clickhouse/store.ts'
import { executeQuery } from '../execute/execute-query.ts'
import type { Attribute, Field, Intrinsic } from '../syntax/ast.ts'
import { parseChecked } from '../analyze/check.ts'
import { createUnjoinedRow } from '../sql/from.ts'
import { createParams, type Params } from '../sql/params.ts'
import { getRequiredColumns } from '../sql/required-columns.ts'
import type { Row } from '../sql/row.ts'
import { selectLogEvents, selectSpans } from '../sql/select-spans.ts'
import { compileText, compileFieldTypeCode } from '../sql/text.ts'
import { TraceQLError } from '../syntax/errors.ts'
import { intrinsics } from '../syntax/intrinsics.ts'
import { limits } from '../limits.ts'
import { type NameList, type NamesOptions, scanNewestFirst } from './scan-newest-first.ts'
import { createSearch } from '../execute/search-traceql.ts'
import type { Search, Window } from '../execute/search.ts'

/** A value as text, with its type code of `spans.attr_types`. */
export type TypedValue = { readonly text: string; readonly type: string }

/**
 * Lists values of a field, most used first, as text.
 *
 * @param field in query syntax, such as `span.http.method`, `.topic`, `name`, `resource."odd
 *   name"`
 * @throws TraceQLError when the field is invalid or of a whole trace
 */
export async function listAttributeValues(
  store: Store,
  field: string,
  options: NamesOptions,
): Promise<NameList<string>> {
  const { found, scanned } = await listTypedValues(store, field, options)
  return { found: [...new Set(found.map(({ text }) => text))], scanned }
}

/**
 * As `listAttributeValues`, with types: a number and a string with the same text are two values.
 */
export async function listTypedValues(
  store: Store,
  field: string,
  options: NamesOptions,
): Promise<NameList<TypedValue>> {
  const parsed = parseFieldName(field)
  const { condition } = options
  if (parsed.kind === 'intrinsic' && parsed.name === 'span:name' && !condition)
    return listOperationNames(store, options)
  const search = createSearch(store, options)
  if (condition) return scanNewestValues(search, parsed, options)
  if (parsed.kind === 'attribute' && parsed.scope === 'any') {
    const own = await scanNewestValues(search, { ...parsed, scope: 'span' }, options)
    return own.found.length > 0 ? own : listSourceValues(search, { ...parsed, scope: 'resource' }, options)
  }
  return getRequiredColumns(parsed).has('source')
    ? listSourceValues(search, parsed, options)
    : scanNewestValues(search, parsed, options)
}

function scanNewestValues(search: Search, field: Field, options: NamesOptions): Promise<NameList<TypedValue>> {
  const read = (window: Window): Promise<TypedValue[]> => {
    const params = createParams()
    return listValues(search, selectSpanValues(field, window, options.condition, params), params, options)
  }
  return scanNewestFirst(search, read, options)
}

function parseFieldName(field: string): Attribute | Intrinsic {
  const query = parseChecked(`{ ${field} = nil }`)
  const source = query.kind === 'search' ? query.pipeline.source : undefined
  const condition = source?.kind === 'filter' ? source.condition : undefined
  const named = condition?.kind === 'binary' ? condition.left : undefined
  if ((named?.kind !== 'attribute' && named?.kind !== 'intrinsic') || isOfOtherSpans(named)) {
    throw new TraceQLError('type', `The values of "${field}" cannot be listed.`)
  }
  return named
}

function isOfOtherSpans(field: Attribute | Intrinsic): boolean {
  return field.kind === 'attribute' ? field.parent : intrinsics[field.name].home === 'trace'
}

async function listOperationNames(
  store: Store,
  { prefix = '', limit = 100, signal, timeoutMs = limits.timeoutMs }: NamesOptions,
): Promise<NameList<TypedValue>> {
  const params = createParams()
  const begins = `startsWith(lowerUTF8(name), ${params.add('String', prefix.toLowerCase())})`
  const rows = await store.query<{ name: string }>(
    `select name from operations where ${begins} group by name order by count() desc, name limit ${params.add('UInt32', limit)}`,
    params.values,
    { signal, timeoutMs },
  )
  return { found: rows.map(({ name }) => ({ text: name, type: 's' })), scanned: { isCut: rows.length >= limit } }
}

async function listSourceValues(search: Search, field: Field, options: NamesOptions): Promise<NameList<TypedValue>> {
  const params = createParams()
  const row = { ...createUnjoinedRow(params, undefined), source: 'r' }
  const values = `select ${compileTypedValue(field, row)} from sources as r`
  const found = await listValues(search, values, params, options)
  return { found, scanned: { isCut: found.length >= (options.limit ?? 100) } }
}

/** Lists distinct values that begin with a prefix, most used first, of a SELECT of values. */
function listValues(
  search: Search,
  values: string,
  params: Params,
  { prefix = '', limit = 100 }: NamesOptions,
): Promise<TypedValue[]> {
  return executeQuery(
    search,
    `select text, type from (${values})
    where isNotNull(text) and startsWith(lowerUTF8(text), ${params.add('String', prefix.toLowerCase())})
    group by text, type order by count() desc, text, type limit ${params.add('UInt32', limit)}`,
    params,
  )
}

function compileTypedValue(field: Field, row: Row): string {
  return `${compileText(field, row)} as text, ${compileFieldTypeCode(field, row)} as type`
}

/** Selects values of the field with types, one row per span, event or link; null if it has none. */
function selectSpanValues(field: Field, window: Window, condition: Field | undefined, params: Params): string {
  const needs = getRequiredColumns(field)
  const { row, select } = selectSpans(condition, window, params, needs.has('source'))
  const value = compileTypedValue(field, row)
  if (needs.has('links')) return select(value, 's.links as l')
  if (!needs.has('events')) return select(value)
  const sent = select(value, 's.events as e')
  // The time since the span's start needs the span.
  if (field.kind === 'intrinsic' && field.name === 'event:timeSinceStart') return sent
  return `${sent} union all select ${value} from (${selectLogEvents(condition, window, params)})`
}
