import { HeatmapResponse, HeatmapQuery } from '@spanlink/api-schema'
import { findHeatmap } from '../../query/traces/heatmap.ts'
import type { Store } from '../../clickhouse/store.ts'
import { type Endpoint, endpoint } from './endpoint.ts'

export function heatmapEndpoints(store: Store): readonly Endpoint[] {
  return [
    endpoint({
      path: '/api/heatmap',
      summary: 'Matching spans, counted by start time and duration',
      query: HeatmapQuery,
      response: HeatmapResponse,
      handle: async ({ query, signal }) => ({ status: 200, body: await findHeatmap(store, query, { signal }) }),
    }),
  ]
}
