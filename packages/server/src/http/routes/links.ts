import { LinksParams, LinksQuery, LinksResponse } from '@spanlink/api-schema'
import { findLinks } from '../../query/links/find-links.ts'
import type { Store } from '../../clickhouse/store.ts'
import { createTraceNotFound, type Endpoint, endpoint } from './endpoint.ts'

export function linkEndpoints(store: Store): readonly Endpoint[] {
  return [
    endpoint({
      path: '/api/traces/{traceId}/links',
      summary: 'Links of a trace in either direction, with both ends',
      params: LinksParams,
      query: LinksQuery,
      response: LinksResponse,
      handle: async ({ params, query, signal }) => {
        const traceId = params.traceId.toLowerCase()
        const links = await findLinks(store, traceId, query, { signal })
        return links === undefined ? createTraceNotFound(traceId) : { status: 200, body: links }
      },
    }),
  ]
}
