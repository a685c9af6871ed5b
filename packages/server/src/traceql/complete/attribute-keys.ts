import type { Store } from '../../clickhouse/store.ts'
import { executeQuery } from '../execute/execute-query.ts'
import { type Field, type Scope, scopes } from '../syntax/ast.ts'
import { createParams, type Params } from '../sql/params.ts'
import { quoteName } from '../syntax/describe.ts'
import { filterLinks, selectLogEvents, selectSpans } from '../sql/select-spans.ts'
import { type NameList, type NamesOptions, scanNewestFirst } from './scan-newest-first.ts'
import { createSearch } from '../execute/search-traceql.ts'
import type { Scanned } from '../../query/sql/searched-range.ts'
import type { Search, Window } from '../execute/search.ts'

export type AttributeKey = {
  /** In query syntax: `span.http.method`, `resource."odd name"`. */
  readonly field: string
  readonly scope: Scope
  readonly key: string
}

/**
 * Lists attribute names, most used first. Reads the newest spans, events and links, so a rare and
 * old name may be missing; reads all resources and scopes.
 */
export async function listAttributeKeys(
  store: Store,
  options: NamesOptions & { readonly scope?: Scope },
): Promise<NameList<AttributeKey>> {
  const search = createSearch(store, options)
  const wanted = options.scope === undefined || options.scope === 'any' ? scopes : [options.scope]
  const limit = options.limit ?? 100
  const ofScopes = await Promise.all(wanted.map((scope) => listScopeKeys(search, scope, options)))
  const all = ofScopes.flatMap(({ found }) => found).sort((a, b) => b.uses - a.uses || (a.key < b.key ? -1 : 1))
  const found = all.slice(0, limit).map(({ scope, key }) => ({ field: `${scope}.${quoteName(key)}`, scope, key }))
  return {
    found,
    scanned: mergeScanned(
      ofScopes.map(({ scanned }) => scanned),
      all.length > limit,
    ),
  }
}

/** The range that all of them searched. */
function mergeScanned(all: readonly Scanned[], isCut: boolean): Scanned {
  const until = all
    .flatMap((one) => one.until ?? [])
    .reduce<bigint | undefined>((last, one) => (last === undefined || one > last ? one : last), undefined)
  return { until, isCut: isCut || all.some((one) => one.isCut) }
}

type UsedKey = { readonly scope: Scope; readonly key: string; readonly uses: number }

async function listScopeKeys(search: Search, scope: Scope, options: NamesOptions): Promise<NameList<UsedKey>> {
  const { prefix = '', limit = 100, condition } = options
  const params = createParams()
  const begins = `startsWith(lowerUTF8(key), ${params.add('String', prefix.toLowerCase())})`
  const inSources = scope === 'resource' || scope === 'instrumentation'
  const read = (window: Window): Promise<{ key: string; uses: string }[]> =>
    executeQuery(
      search,
      `select key, toString(count()) as uses from (
        select arrayJoin(${compileKeys(scope)}) as key from (${selectRows(scope, window, params, condition)}))
      where ${begins} group by key order by count() desc, key limit ${params.add('UInt32', limit)}`,
      params,
    )
  // Resources and scopes are few.
  const isWhole = inSources && !condition
  const { found, scanned } = isWhole
    ? await read(search.window).then((rows) => ({ found: rows, scanned: { isCut: rows.length >= limit } }))
    : await scanNewestFirst(search, read, options)
  return { found: found.map(({ key, uses }) => ({ scope, key, uses: Number(uses) })), scanned }
}

function compileKeys(scope: Scope): string {
  if (scope === 'resource') return 'mapKeys(resource_attrs)'
  if (scope === 'instrumentation') return 'mapKeys(scope_attrs)'
  if (scope === 'event') return `arrayFlatten(arrayMap(e -> mapKeys(tupleElement(e, 'attrs')), events))`
  return 'mapKeys(attrs)'
}

function selectRows(scope: Scope, window: Window, params: Params, condition: Field | undefined): string {
  const { from, where } = selectSpans(condition, window, params)
  if (scope === 'resource' || scope === 'instrumentation') {
    const some = `source_id in (select distinct s.source_id from (select s.source_id from ${from} where ${where}) as s)`
    return `select resource_attrs, scope_attrs from sources${condition ? ` where ${some}` : ''}`
  }
  if (scope === 'link') {
    return `select l.attrs as attrs from span_links as l where ${filterLinks(condition, window, params)}`
  }
  if (scope === 'event') {
    return `select s.events as events from ${from} where ${where} and notEmpty(s.events)
      union all select [e] as events from (${selectLogEvents(condition, window, params)})`
  }
  return `select s.attrs as attrs from ${from} where ${where}`
}
