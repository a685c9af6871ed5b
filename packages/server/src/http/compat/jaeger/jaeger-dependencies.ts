import type { TopologyEdge } from '@spanlink/api-schema'
import { findTopology } from '../../../query/topology/find-topology.ts'
import { type Location, parseNodeId } from '../../../query/topology/node-id.ts'
import { isSameOrUnknown } from '../../../query/records/record-metadata.ts'
import type { TimeWindow } from '../../../query/sql/time-window.ts'
import type { QueryOptions, Store } from '../../../clickhouse/store.ts'

export type Dependency = { readonly parent: string; readonly child: string; readonly callCount: number }

/**
 * Counts calls and messages between services. Each producer of a topic is connected to each
 * consumer, also if only one of them names the system or the cluster. The messages of a consumer
 * are divided among several producers in proportion to what they sent.
 */
export async function findDependencies(
  store: Store,
  window: TimeWindow,
  service: string | undefined,
  options: QueryOptions,
): Promise<readonly Dependency[]> {
  const { nodes, edges } = await findTopology(store, { start: String(window.start), end: String(window.end) }, options)
  const nameOf = new Map(nodes.map(({ id, name }) => [id, name]))
  const counts = new Map<string, Dependency>()
  const add = (from: TopologyEdge, to: TopologyEdge, count: number): void => {
    const [parent, child] = [nameOf.get(from.from) ?? '', nameOf.get(to.to) ?? '']
    if (service !== undefined && parent !== service && child !== service) return
    const key = JSON.stringify([parent, child])
    counts.set(key, { parent, child, callCount: (counts.get(key)?.callCount ?? 0) + count })
  }
  const producersOf = Map.groupBy(
    edges.filter(({ type }) => type === 'produce'),
    ({ topic }) => topic,
  )
  for (const edge of edges) {
    if (edge.type === 'call') add(edge, edge, edge.count)
    if (edge.type !== 'consume') continue
    const from = parseNodeId(edge.from)
    const producers = (producersOf.get(edge.topic) ?? []).filter(({ to }) => mayBeSameLocation(parseNodeId(to), from))
    const sent = producers.reduce((sum, { count }) => sum + count, 0)
    for (const producer of producers) add(producer, edge, Math.max(1, Math.round((edge.count * producer.count) / sent)))
  }
  return [...counts.values()]
}

function mayBeSameLocation(a: Location, b: Location): boolean {
  return isSameOrUnknown(a.system, b.system) && isSameOrUnknown(a.cluster, b.cluster)
}
