import { TopologyResponse, TopologyQuery } from '@spanlink/api-schema'
import { findTopology } from '../../query/topology/find-topology.ts'
import type { Store } from '../../clickhouse/store.ts'
import { type Endpoint, endpoint } from './endpoint.ts'

export function topologyEndpoints(store: Store): readonly Endpoint[] {
  return [
    endpoint({
      path: '/api/topology',
      summary: 'Services, topics and consumer groups, with rate, errors, duration and queue time between them',
      query: TopologyQuery,
      response: TopologyResponse,
      handle: async ({ query, signal }) => ({ status: 200, body: await findTopology(store, query, { signal }) }),
    }),
  ]
}
