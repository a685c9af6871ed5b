import type { Store } from '../../clickhouse/store.ts'
import type { Entries } from '../../query/trace-rows/trace-row.ts'
import type { SpanSource } from '../evaluate/trace-span.ts'
import { createParams } from '../sql/params.ts'
import { executeQuery } from './execute-query.ts'
import { toAttributes } from './fetch-spans.ts'
import type { Search } from './search.ts'

/**
 * Fetches resources and scopes by the source ids of spans. An id is a digest of its content, so
 * cached ones stay valid.
 */
export async function fetchSources(
  search: Search,
  sourceIds: Iterable<string>,
): Promise<ReadonlyMap<string, SpanSource>> {
  const cached = getCache(search.store)
  const found = new Map<string, SpanSource>()
  const unknown: string[] = []
  for (const id of new Set(sourceIds)) {
    const source = cached.get(id)
    if (source === undefined) unknown.push(id)
    else found.set(id, source)
  }
  for (let from = 0; from < unknown.length; from += MAX_IDS) {
    for (const [id, source] of await querySources(search, unknown.slice(from, from + MAX_IDS))) {
      found.set(id, source)
      if (cached.size >= MAX_CACHED_SOURCES) cached.clear()
      cached.set(id, source)
    }
  }
  return found
}

/** About the number of processes times libraries; beyond it, sources are read again. */
const MAX_CACHED_SOURCES = 2_000

/** A parameter has at most 128 KiB (`http_max_field_value_size`). */
const MAX_IDS = 5_000

const cacheByStore = new WeakMap<Store, Map<string, SpanSource>>()

function getCache(store: Store): Map<string, SpanSource> {
  const known = cacheByStore.get(store) ?? new Map<string, SpanSource>()
  cacheByStore.set(store, known)
  return known
}

type Row = {
  readonly id: string
  readonly resource: Entries
  readonly resourceTypes: string
  readonly scope: Entries
  readonly scopeTypes: string
  readonly scopeName: string
  readonly scopeVersion: string
}

async function querySources(search: Search, ids: readonly string[]): Promise<(readonly [string, SpanSource])[]> {
  const params = createParams()
  const rows = await executeQuery<Row>(
    search,
    `select toString(source_id) as id, arrayZip(mapKeys(resource_attrs), mapValues(resource_attrs)) as resource,
      resource_attr_types as resourceTypes, arrayZip(mapKeys(scope_attrs), mapValues(scope_attrs)) as scope,
      scope_attr_types as scopeTypes, scope_name as scopeName, scope_version as scopeVersion
    from sources where source_id in (select toUInt64(arrayJoin(${params.add('Array(String)', ids)}))) limit 1 by source_id`,
    params,
  )
  return rows.map((row) => [
    row.id,
    {
      resource: toAttributes(row.resource, row.resourceTypes),
      scope: toAttributes(row.scope, row.scopeTypes),
      scopeName: row.scopeName,
      scopeVersion: row.scopeVersion,
    },
  ])
}
