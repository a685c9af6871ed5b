import type { SpanSource } from '@spanlink/contract'
import { decodeAttributes } from '../otlp/attributes.ts'
import type { QueryOptions, Store } from '../store/store.ts'

export type Sources = { readonly list: SpanSource[]; readonly indexes: ReadonlyMap<string, number> }

/** Resources and scopes by the ids that spans carry; one that isn't here has no index. */
export async function findSources(store: Store, sourceIds: readonly string[], options: QueryOptions): Promise<Sources> {
  const rows = await store.query<SourceRow>(
    `select source_id as sourceId, arrayZip(mapKeys(resource_attrs), mapValues(resource_attrs)) as resourceAttributes,
      resource_attr_types as resourceTypes, resource_dropped_attrs as resourceDropped,
      resource_schema_url as resourceSchemaUrl, scope_name as scopeName, scope_version as scopeVersion,
      arrayZip(mapKeys(scope_attrs), mapValues(scope_attrs)) as scopeAttributes, scope_attr_types as scopeTypes,
      scope_dropped_attrs as scopeDropped, scope_schema_url as scopeSchemaUrl
    from sources
    where source_id in (select toUInt64(arrayJoin({sourceIds:Array(String)})))
    order by source_id
    limit 1 by source_id`,
    { sourceIds: [...new Set(sourceIds)] },
    options,
  )
  return {
    list: rows.map(spanSource),
    indexes: new Map(rows.map((row, index) => [row.sourceId, index])),
  }
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

function spanSource(row: SourceRow): SpanSource {
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
