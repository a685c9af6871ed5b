import type { Store } from '../../clickhouse/store.ts'
import { executeQuery } from '../execute/execute-query.ts'
import { type Field, type Scope, scopes } from '../syntax/ast.ts'
import { createParams, type Params } from '../sql/params.ts'
import { quoteName } from '../syntax/describe.ts'
import { selectLogEvents, selectSpans } from '../sql/select-spans.ts'
import { type NameList, type NamesOptions, scanNewestFirst } from './scan-newest-first.ts'
import { createSearch } from '../execute/search-traceql.ts'
import type { Window } from '../execute/search.ts'

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
  const { scope = 'any', limit = 100, prefix = '', condition } = options
  const wanted = scope === 'any' ? scopes : [scope]
  const read = (window: Window): Promise<Omit<AttributeKey, 'field'>[]> => {
    const params = createParams()
    const maps = wanted.flatMap((each) =>
      selectMaps(each, window, params, condition).map((select) => `select '${each}' as scope, map from (${select})`),
    )
    return executeQuery(
      search,
      `select scope, arrayJoin(mapKeys(map)) as key from (${maps.join(' union all ')})
      where startsWith(lowerUTF8(key), ${params.add('String', prefix.toLowerCase())})
      group by scope, key order by count() desc, key, scope limit ${params.add('UInt32', limit)}`,
      params,
    )
  }
  // Resources and scopes are few.
  const readsAll = !condition && wanted.every((each) => each === 'resource' || each === 'instrumentation')
  const { found, scanned } = readsAll
    ? await read(search.window).then((all) => ({ found: all, scanned: { isCut: all.length >= limit } }))
    : await scanNewestFirst(search, read, options)
  return { found: found.map(({ scope, key }) => ({ field: `${scope}.${quoteName(key)}`, scope, key })), scanned }
}

/** SELECTs of attributes as `map`. */
function selectMaps(
  scope: Scope,
  window: Window,
  params: Params,
  condition: Field | undefined,
): readonly [string, ...string[]] {
  const { select } = selectSpans(condition, window, params)
  switch (scope) {
    case 'resource':
    case 'instrumentation': {
      const where = condition ? ` where source_id in (${select('s.source_id')})` : ''
      return [`select ${scope === 'resource' ? 'resource_attrs' : 'scope_attrs'} as map from sources${where}`]
    }
    case 'link':
      return [select(`tupleElement(l, 'attrs') as map`, 's.links as l')]
    case 'event':
      return [
        select(`tupleElement(e, 'attrs') as map`, 's.events as e'),
        `select tupleElement(e, 'attrs') as map from (${selectLogEvents(condition, window, params)})`,
      ]
    default:
      return [select('s.attrs as map')]
  }
}
