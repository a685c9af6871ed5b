import type { TopologyResponse } from '@spanlink/api-schema'
import type { Store } from '../../src/clickhouse/store.ts'
import { findTopology } from '../../src/query/topology/find-topology.ts'
import { MS, T0 } from '../flow/kafka-spans.ts'

export const HOUR_MS = 3_600_000

/** The range of one hour after `T0`, in Unix nanoseconds; each test uses a separate hour. */
export function hourRange(hour: number): { readonly start: bigint; readonly end: bigint } {
  const start = T0 + BigInt(hour * HOUR_MS) * MS
  return { start, end: start + BigInt(HOUR_MS) * MS }
}

export async function findHourlyTopology(store: Store, hour: number): Promise<TopologyResponse> {
  const { start, end } = hourRange(hour)
  return await findTopology(store, { start: String(start), end: String(end) }, {})
}

/** Type, ends, counts and median queue time of each edge, sorted by their text. */
export function listEdges(response: TopologyResponse): (string | number | undefined)[][] {
  return response.edges
    .map((edge) => [edge.type, edge.from, edge.to, edge.count, edge.errorCount, edge.queueTimeNano?.p50])
    .toSorted((a, b) => (String(a) < String(b) ? -1 : 1))
}
