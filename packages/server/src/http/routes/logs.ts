import { LogsResponse, LogsQuery } from '@spanlink/api-schema'
import { findLogs } from '../../query/logs/find-logs.ts'
import type { Store } from '../../clickhouse/store.ts'
import { type Endpoint, endpoint } from './endpoint.ts'

export function logEndpoints(store: Store): readonly Endpoint[] {
  return [
    endpoint({
      path: '/api/logs',
      summary: 'Log records that match all conditions',
      query: LogsQuery,
      response: LogsResponse,
      handle: async ({ query, signal }) => ({ status: 200, body: await findLogs(store, query, { signal }) }),
    }),
  ]
}
