import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import { findSources } from '../traces/span-source.ts'
import { resolveRecord } from './record-metadata.ts'

/** Ids are sent as a request parameter of at most 128 KiB. */
const SOURCES_AT_ONCE = 3_000

/**
 * Finds the clusters that resources name, by their row id in `sources`. Resources without one are
 * omitted.
 */
export async function findResourceClusters(
  store: Store,
  sourceIds: Iterable<string>,
  options: QueryOptions,
): Promise<ReadonlyMap<string, string>> {
  const ids = [...new Set(sourceIds)]
  const clusters = new Map<string, string>()
  for (let from = 0; from < ids.length; from += SOURCES_AT_ONCE) {
    const { list, indexes } = await findSources(store, ids.slice(from, from + SOURCES_AT_ONCE), options)
    for (const [id, index] of indexes) {
      const attributes = list[index]?.resource.attributes ?? []
      const { cluster } = resolveRecord(attributes.map(({ key, value }) => [key, value.stringValue ?? '']))
      if (cluster !== '') clusters.set(id, cluster)
    }
  }
  return clusters
}
