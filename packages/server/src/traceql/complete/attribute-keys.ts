import type { Store } from '../../clickhouse/store.ts'
import { ask } from '../execute/execute-query.ts'
import type { Field, Scope } from '../syntax/ast.ts'
import { createParams, type Params } from '../sql/params.ts'
import { quoteName } from '../syntax/describe.ts'
import { linksOf, logEventsOf, spansThat } from '../analyze/span-condition.ts'
import { type Names, type NamesOptions, newestFirst } from './scan-newest-first.ts'
import { startSearch } from '../execute/search-traceql.ts'
import type { Scanned } from '../../query/sql/searched-range.ts'
import type { Search, Window } from '../execute/search.ts'

export type AttributeKey = {
  /** As a query spells it: `span.http.method`, `resource."odd name"`. */
  readonly field: string
  readonly scope: Scope
  readonly key: string
}

/**
 * Attribute names in use, most used first. Of spans, events and links the newest are read, so a
 * name that is rare and old may be missing; resources and scopes are read whole.
 */
export async function attributeKeys(
  store: Store,
  options: NamesOptions & { readonly scope?: Scope },
): Promise<Names<AttributeKey>> {
  const search = startSearch(store, options)
  const wanted = options.scope === undefined || options.scope === 'any' ? allScopes : [options.scope]
  const limit = options.limit ?? 100
  const ofScopes = await Promise.all(wanted.map((scope) => keysOf(search, scope, options)))
  const all = ofScopes.flatMap(({ found }) => found).sort((a, b) => b.uses - a.uses || (a.key < b.key ? -1 : 1))
  const found = all.slice(0, limit).map(({ scope, key }) => ({ field: `${scope}.${quoteName(key)}`, scope, key }))
  return {
    found,
    scanned: leastScanned(
      ofScopes.map(({ scanned }) => scanned),
      all.length > limit,
    ),
  }
}

/** What all of them searched. */
function leastScanned(all: readonly Scanned[], isCut: boolean): Scanned {
  const until = all
    .flatMap((one) => one.until ?? [])
    .reduce<bigint | undefined>((last, one) => (last === undefined || one > last ? one : last), undefined)
  return { until, isCut: isCut || all.some((one) => one.isCut) }
}

const allScopes = ['span', 'resource', 'event', 'link', 'instrumentation'] as const

type Use = { readonly scope: Scope; readonly key: string; readonly uses: number }

async function keysOf(search: Search, scope: Scope, options: NamesOptions): Promise<Names<Use>> {
  const { prefix = '', limit = 100, narrowing } = options
  const params = createParams()
  const begins = `startsWith(lowerUTF8(key), ${params.add('String', prefix.toLowerCase())})`
  const inSources = scope === 'resource' || scope === 'instrumentation'
  const read = (window: Window): Promise<{ key: string; uses: string }[]> =>
    ask(
      search,
      `select key, toString(count()) as uses from (
        select arrayJoin(${keysColumn(scope)}) as key from (${rowsOf(scope, window, params, narrowing)}))
      where ${begins} group by key order by count() desc, key limit ${params.add('UInt32', limit)}`,
      params,
    )
  // Resources and scopes are few.
  const isWhole = inSources && !narrowing
  const { found, scanned } = isWhole
    ? await read(search.window).then((rows) => ({ found: rows, scanned: { isCut: rows.length >= limit } }))
    : await newestFirst(search, read, options)
  return { found: found.map(({ key, uses }) => ({ scope, key, uses: Number(uses) })), scanned }
}

function keysColumn(scope: Scope): string {
  if (scope === 'resource') return 'mapKeys(resource_attrs)'
  if (scope === 'instrumentation') return 'mapKeys(scope_attrs)'
  if (scope === 'event') return `arrayFlatten(arrayMap(e -> mapKeys(tupleElement(e, 'attrs')), events))`
  return 'mapKeys(attrs)'
}

function rowsOf(scope: Scope, window: Window, params: Params, narrowing: Field | undefined): string {
  const { from, where } = spansThat(narrowing, window, params)
  if (scope === 'resource' || scope === 'instrumentation') {
    const some = `source_id in (select distinct s.source_id from (select s.source_id from ${from} where ${where}) as s)`
    return `select resource_attrs, scope_attrs from sources${narrowing ? ` where ${some}` : ''}`
  }
  if (scope === 'link') {
    return `select l.attrs as attrs from span_links as l where ${linksOf(narrowing, window, params)}`
  }
  if (scope === 'event') {
    return `select s.events as events from ${from} where ${where} and notEmpty(s.events)
      union all select [e] as events from (${logEventsOf(narrowing, window, params)})`
  }
  return `select s.attrs as attrs from ${from} where ${where}`
}
