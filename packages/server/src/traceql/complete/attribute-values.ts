import type { Store } from '../../clickhouse/store.ts'
import { ask } from '../execute/execute-query.ts'
import type { Field } from '../syntax/ast.ts'
import { check } from '../analyze/check.ts'
import { spansAlone } from '../sql/from.ts'
import { createParams, type Params } from '../sql/params.ts'
import { compileText, typeLetter } from '../sql/text.ts'
import { describeField } from '../syntax/describe.ts'
import { TraceQLError } from '../syntax/errors.ts'
import { intrinsics } from '../syntax/intrinsics.ts'
import { limits } from '../limits.ts'
import { linksOf, logEventsOf, spansThat } from '../analyze/span-condition.ts'
import { type Names, type NamesOptions, newestFirst } from './scan-newest-first.ts'
import { parse } from '../syntax/parse.ts'
import { startSearch } from '../execute/search-traceql.ts'
import type { Search, Window } from '../execute/search.ts'

/** A value as text; its type as a letter of `spans.attr_types`. */
export type TypedValue = { readonly text: string; readonly type: string }

/**
 * Values of a field, most used first, as text.
 *
 * @param field as a query spells it, such as `span.http.method`, `.topic`, `name`, `resource."odd
 *   name"`
 * @throws TraceQLError when that is no field, or one of a whole trace
 */
export async function attributeValues(store: Store, field: string, options: NamesOptions): Promise<Names<string>> {
  const { found, scanned } = await typedValues(store, field, options)
  return { found: [...new Set(found.map(({ text }) => text))], scanned }
}

/**
 * The same with the types that they were sent with: a number and the text that looks like it are
 * two values.
 */
export async function typedValues(store: Store, field: string, options: NamesOptions): Promise<Names<TypedValue>> {
  const parsed = parseFieldName(field)
  const { scope } = parsed.kind === 'attribute' ? parsed : { scope: undefined }
  const { narrowing } = options
  if (parsed.kind === 'intrinsic' && parsed.name === 'span:name' && !narrowing) return operationNames(store, options)
  const search = startSearch(store, options)
  if (narrowing) return newestValues(search, parsed, options)
  if (scope === 'resource' || scope === 'instrumentation' || isOfScope(parsed))
    return valuesInSources(search, parsed, options)
  if (parsed.kind !== 'attribute' || scope !== 'any') return newestValues(search, parsed, options)
  const own = await newestValues(search, { ...parsed, scope: 'span' }, options)
  return own.found.length > 0 ? own : valuesInSources(search, { ...parsed, scope: 'resource' }, options)
}

function newestValues(search: Search, field: Field, options: NamesOptions): Promise<Names<TypedValue>> {
  return newestFirst(search, (window) => valuesInSpans(search, field, window, options), options)
}

function parseFieldName(field: string): Field {
  const text = `{ ${field} = nil }`
  const query = parse(text)
  check(query, text)
  const source = query.kind === 'search' ? query.pipeline.source : undefined
  const condition = source?.kind === 'filter' ? source.condition : undefined
  const named = condition?.kind === 'binary' ? condition.left : undefined
  const isName = named?.kind === 'attribute' || named?.kind === 'intrinsic'
  if (!named || !isName || describeAs(named) === undefined) {
    throw new TraceQLError('type', `"${field}" is no field whose values can be listed.`)
  }
  return named
}

/** Undefined for what takes a whole trace to know. */
function describeAs(field: Field): string | undefined {
  if (field.kind === 'attribute') return field.parent ? undefined : describeField(field)
  if (field.kind !== 'intrinsic') return undefined
  return intrinsics[field.name].home === 'trace' ? undefined : field.name
}

function isOfScope(field: Field): boolean {
  return field.kind === 'intrinsic' && intrinsics[field.name].home === 'scope'
}

async function operationNames(
  store: Store,
  { prefix = '', limit = 100, signal, timeoutMs = limits.timeoutMs }: NamesOptions,
): Promise<Names<TypedValue>> {
  const params = createParams()
  const begins = `startsWith(lowerUTF8(name), ${params.add('String', prefix.toLowerCase())})`
  const rows = await store.query<{ name: string }>(
    `select name from operations where ${begins} group by name order by count() desc, name limit ${params.add('UInt32', limit)}`,
    params.values,
    { signal, timeoutMs },
  )
  return { found: rows.map(({ name }) => ({ text: name, type: 's' })), scanned: { isCut: rows.length >= limit } }
}

async function valuesInSources(
  search: Search,
  field: Field,
  { prefix = '', limit = 100 }: NamesOptions,
): Promise<Names<TypedValue>> {
  const params = createParams()
  const row = { ...spansAlone(params, undefined), source: 'r' }
  const rows = await ask<TypedValue>(
    search,
    `select ${compileText(field, row)} as text, ${typeLetter(field, row)} as type from sources as r
    where startsWith(lowerUTF8(ifNull(text, '')), ${params.add('String', prefix.toLowerCase())}) and isNotNull(text)
    group by text, type order by count() desc, text, type limit ${params.add('UInt32', limit)}`,
    params,
  )
  return { found: rows, scanned: { isCut: rows.length >= limit } }
}

async function valuesInSpans(
  search: Search,
  field: Field,
  window: Window,
  { prefix = '', limit = 100, narrowing }: NamesOptions,
): Promise<readonly TypedValue[]> {
  const params = createParams()
  return await ask<TypedValue>(
    search,
    `select text, type from (${someValues(field, window, narrowing, params)})
    where startsWith(lowerUTF8(text), ${params.add('String', prefix.toLowerCase())})
    group by text, type order by count() desc, text, type limit ${params.add('UInt32', limit)}`,
    params,
  )
}

/** SQL: values of the field with their types, one row a span, event or link that has it. */
function someValues(field: Field, window: Window, narrowing: Field | undefined, params: Params): string {
  const { from: spans, where, row } = spansThat(narrowing, window, params, [field])
  const text = compileText(field, row)
  const isEvent =
    (field.kind === 'attribute' && field.scope === 'event') ||
    (field.kind === 'intrinsic' && intrinsics[field.name].home === 'event')
  const isLink =
    (field.kind === 'attribute' && field.scope === 'link') ||
    (field.kind === 'intrinsic' && intrinsics[field.name].home === 'link')
  const from = isLink ? 'span_links as l' : `${spans}${isEvent ? ' array join s.events as e' : ''}`
  const rowsThat = isLink ? linksOf(narrowing, window, params) : where
  const valuesFrom = (rows: string): string =>
    `select ${text} as text, ${typeLetter(field, row)} as type from ${rows} and isNotNull(text)`
  const values = [valuesFrom(`${from} where ${rowsThat}`)]
  // The time since the span's start takes the span.
  if (isEvent && !(field.kind === 'intrinsic' && field.name === 'event:timeSinceStart')) {
    values.push(valuesFrom(`(${logEventsOf(narrowing, window, params)}) where 1`))
  }
  return values.join(' union all ')
}
