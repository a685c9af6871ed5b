import type { SpanSource } from '@spanlink/api-schema'
import { decodeAttributes } from '../../otlp/wire/attributes.ts'
import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import { FEW_GRANULES_SETTINGS } from '../sql/span-bucket.ts'

export type Sources = { readonly list: SpanSource[]; readonly indexes: ReadonlyMap<string, number> }

/**
 * Fetches resources and scopes by the source ids of spans, in order of id; unknown ids have no
 * index. An id is a digest of its content, so cached entries stay valid.
 */
export async function findSources(store: Store, sourceIds: readonly string[], options: QueryOptions): Promise<Sources> {
  const known = getCache(store)
  const found = new Map<string, SpanSource>()
  const unknown: string[] = []
  for (const id of new Set(sourceIds)) {
    const source = known.get(id)
    if (source === undefined) unknown.push(id)
    else found.set(id, source)
  }
  if (unknown.length > 0) {
    if (known.size + unknown.length > MAX_CACHED_SOURCES) known.clear()
    for (const row of await fetchSources(store, unknown, options)) {
      const source = toSpanSource(row)
      found.set(row.sourceId, source)
      if (known.size < MAX_CACHED_SOURCES) known.set(row.sourceId, source)
    }
  }
  const inOrder = [...found].sort(([a], [b]) => a.length - b.length || (a < b ? -1 : 1))
  return { list: inOrder.map(([, source]) => source), indexes: new Map(inOrder.map(([id], index) => [id, index])) }
}

/** About the number of processes times libraries; beyond it, sources are read again. */
const MAX_CACHED_SOURCES = 2_000

const cacheByStore = new WeakMap<Store, Map<string, SpanSource>>()

function getCache(store: Store): Map<string, SpanSource> {
  const known = cacheByStore.get(store) ?? new Map<string, SpanSource>()
  cacheByStore.set(store, known)
  return known
}

async function fetchSources(store: Store, sourceIds: readonly string[], options: QueryOptions): Promise<SourceRow[]> {
  return store.query<SourceRow>(
    `select source_id as sourceId, arrayZip(mapKeys(resource_attrs), mapValues(resource_attrs)) as resourceAttributes,
      resource_attr_types as resourceTypes, resource_dropped_attrs as resourceDropped,
      resource_schema_url as resourceSchemaUrl, scope_name as scopeName, scope_version as scopeVersion,
      arrayZip(mapKeys(scope_attrs), mapValues(scope_attrs)) as scopeAttributes, scope_attr_types as scopeTypes,
      scope_dropped_attrs as scopeDropped, scope_schema_url as scopeSchemaUrl
    from sources
    where source_id in (select toUInt64(arrayJoin({sourceIds:Array(String)})))
    limit 1 by source_id
    ${FEW_GRANULES_SETTINGS}`,
    { sourceIds },
    options,
  )
}

type AttributePairs = readonly (readonly [string, string])[]

type SourceRow = {
  readonly sourceId: string
  readonly resourceAttributes: AttributePairs
  readonly resourceTypes: string
  readonly resourceDropped: number
  readonly resourceSchemaUrl: string
  readonly scopeName: string
  readonly scopeVersion: string
  readonly scopeAttributes: AttributePairs
  readonly scopeTypes: string
  readonly scopeDropped: number
  readonly scopeSchemaUrl: string
}

function toSpanSource(row: SourceRow): SpanSource {
  return {
    resource: {
      attributes: decodeAttributes(row.resourceAttributes, row.resourceTypes),
      droppedAttributesCount: row.resourceDropped,
      schemaUrl: row.resourceSchemaUrl,
    },
    scope: {
      name: row.scopeName,
      version: row.scopeVersion,
      attributes: decodeAttributes(row.scopeAttributes, row.scopeTypes),
      droppedAttributesCount: row.scopeDropped,
      schemaUrl: row.scopeSchemaUrl,
    },
  }
}
