import type { Store } from '../../clickhouse/store.ts'
import { executeQuery } from '../execute/execute-query.ts'
import type { Field } from '../syntax/ast.ts'
import { check } from '../analyze/check.ts'
import { createUnjoinedRow } from '../sql/from.ts'
import { createParams, type Params } from '../sql/params.ts'
import { compileText, compileFieldTypeCode } from '../sql/text.ts'
import { describeField } from '../syntax/describe.ts'
import { TraceQLError } from '../syntax/errors.ts'
import { intrinsics } from '../syntax/intrinsics.ts'
import { limits } from '../limits.ts'
import { filterLinks, selectLogEvents, selectSpans } from '../analyze/span-condition.ts'
import { type NameList, type NamesOptions, scanNewestFirst } from './scan-newest-first.ts'
import { parse } from '../syntax/parse.ts'
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
  const { scope } = parsed.kind === 'attribute' ? parsed : { scope: undefined }
  const { condition } = options
  if (parsed.kind === 'intrinsic' && parsed.name === 'span:name' && !condition)
    return listOperationNames(store, options)
  const search = createSearch(store, options)
  if (condition) return scanNewestValues(search, parsed, options)
  if (scope === 'resource' || scope === 'instrumentation' || isScopeIntrinsic(parsed))
    return listSourceValues(search, parsed, options)
  if (parsed.kind !== 'attribute' || scope !== 'any') return scanNewestValues(search, parsed, options)
  const own = await scanNewestValues(search, { ...parsed, scope: 'span' }, options)
  return own.found.length > 0 ? own : listSourceValues(search, { ...parsed, scope: 'resource' }, options)
}

function scanNewestValues(search: Search, field: Field, options: NamesOptions): Promise<NameList<TypedValue>> {
  return scanNewestFirst(search, (window) => listSpanValues(search, field, window, options), options)
}

function parseFieldName(field: string): Field {
  const text = `{ ${field} = nil }`
  const query = parse(text)
  check(query, text)
  const source = query.kind === 'search' ? query.pipeline.source : undefined
  const condition = source?.kind === 'filter' ? source.condition : undefined
  const named = condition?.kind === 'binary' ? condition.left : undefined
  const isName = named?.kind === 'attribute' || named?.kind === 'intrinsic'
  if (!named || !isName || describeListable(named) === undefined) {
    throw new TraceQLError('type', `The values of "${field}" cannot be listed.`)
  }
  return named
}

/** Undefined for a field of a whole trace. */
function describeListable(field: Field): string | undefined {
  if (field.kind === 'attribute') return field.parent ? undefined : describeField(field)
  if (field.kind !== 'intrinsic') return undefined
  return intrinsics[field.name].home === 'trace' ? undefined : field.name
}

function isScopeIntrinsic(field: Field): boolean {
  return field.kind === 'intrinsic' && intrinsics[field.name].home === 'scope'
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

async function listSourceValues(
  search: Search,
  field: Field,
  { prefix = '', limit = 100 }: NamesOptions,
): Promise<NameList<TypedValue>> {
  const params = createParams()
  const row = { ...createUnjoinedRow(params, undefined), source: 'r' }
  const rows = await executeQuery<TypedValue>(
    search,
    `select ${compileText(field, row)} as text, ${compileFieldTypeCode(field, row)} as type from sources as r
    where startsWith(lowerUTF8(ifNull(text, '')), ${params.add('String', prefix.toLowerCase())}) and isNotNull(text)
    group by text, type order by count() desc, text, type limit ${params.add('UInt32', limit)}`,
    params,
  )
  return { found: rows, scanned: { isCut: rows.length >= limit } }
}

async function listSpanValues(
  search: Search,
  field: Field,
  window: Window,
  { prefix = '', limit = 100, condition }: NamesOptions,
): Promise<readonly TypedValue[]> {
  const params = createParams()
  return await executeQuery<TypedValue>(
    search,
    `select text, type from (${selectValues(field, window, condition, params)})
    where startsWith(lowerUTF8(text), ${params.add('String', prefix.toLowerCase())})
    group by text, type order by count() desc, text, type limit ${params.add('UInt32', limit)}`,
    params,
  )
}

/** Selects values of the field with types, one row per span, event or link that has it. */
function selectValues(field: Field, window: Window, condition: Field | undefined, params: Params): string {
  const { from: spans, where, row } = selectSpans(condition, window, params, [field])
  const text = compileText(field, row)
  const isEvent =
    (field.kind === 'attribute' && field.scope === 'event') ||
    (field.kind === 'intrinsic' && intrinsics[field.name].home === 'event')
  const isLink =
    (field.kind === 'attribute' && field.scope === 'link') ||
    (field.kind === 'intrinsic' && intrinsics[field.name].home === 'link')
  const from = isLink ? 'span_links as l' : `${spans}${isEvent ? ' array join s.events as e' : ''}`
  const rowsThat = isLink ? filterLinks(condition, window, params) : where
  const valuesFrom = (rows: string): string =>
    `select ${text} as text, ${compileFieldTypeCode(field, row)} as type from ${rows} and isNotNull(text)`
  const values = [valuesFrom(`${from} where ${rowsThat}`)]
  // The time since the span's start needs the span.
  if (isEvent && !(field.kind === 'intrinsic' && field.name === 'event:timeSinceStart')) {
    values.push(valuesFrom(`(${selectLogEvents(condition, window, params)}) where 1`))
  }
  return values.join(' union all ')
}
