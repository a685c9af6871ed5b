import {
  OperationsResponse,
  OperationsQuery,
  ReadyResponse,
  ServicesResponse,
  StatusResponse,
  TraceResponse,
  TraceParams,
  TracesResponse,
  TracesQuery,
} from '@spanlink/api-schema'

import { listOperations, listServices } from '../../query/traces/names.ts'
import { searchByQuery } from '../../query/traces/search-by-query.ts'
import { searchTraces } from '../../query/traces/search.ts'
import { findTrace } from '../../query/traces/trace.ts'
import type { Store } from '../../clickhouse/store.ts'
import { attributeEndpoints } from './attributes.ts'
import { createTraceNotFound, type Endpoint, endpoint } from './endpoint.ts'
import { flowEndpoints } from './flow.ts'
import { heatmapEndpoints } from './heatmap.ts'
import { linkEndpoints } from './links.ts'
import { logEndpoints } from './logs.ts'
import { metricEndpoints } from './metrics.ts'
import { messagesEndpoints } from './messages.ts'
import { seriesEndpoints } from './series.ts'
import { skeletonEndpoints } from './skeleton.ts'
import type { StatusSource } from './status.ts'
import { topologyEndpoints } from './topology.ts'

/** The native API, in the order OpenAPI lists it. */
export function endpoints(store: Store, status: StatusSource): readonly Endpoint[] {
  return [
    endpoint({
      path: '/api/ready',
      summary: 'Whether the server is ready',
      response: ReadyResponse,
      handle: async () => {
        const body = status.ready()
        return { status: body.ready ? 200 : 503, body }
      },
    }),
    endpoint({
      path: '/api/status',
      summary: 'Version, ClickHouse, journal, counts and ports',
      response: StatusResponse,
      handle: async ({ requestHost }) => ok(await status.status(requestHost)),
    }),
    endpoint({
      path: '/api/services',
      summary: 'Names of services',
      response: ServicesResponse,
      handle: async ({ signal }) => ok(await listServices(store, { signal })),
    }),
    endpoint({
      path: '/api/operations',
      summary: 'Span names, of one service or of all',
      query: OperationsQuery,
      response: OperationsResponse,
      handle: async ({ query, signal }) => ok(await listOperations(store, query, { signal })),
    }),
    endpoint({
      path: '/api/traces',
      summary: 'Summaries of traces with a span that matches all filters, newest first',
      query: TracesQuery,
      response: TracesResponse,
      handle: async ({ query, signal }) =>
        ok(
          await (query.q === undefined
            ? searchTraces(store, query, { signal })
            : searchByQuery(store, query.q, query, { signal })),
        ),
    }),
    endpoint({
      path: '/api/traces/{traceId}',
      summary: 'One trace with attributes, events and links',
      params: TraceParams,
      response: TraceResponse,
      handle: async ({ params, signal }) => {
        const traceId = params.traceId.toLowerCase()
        const trace = await findTrace(store, traceId, { signal })
        return trace === undefined ? createTraceNotFound(traceId) : ok(trace)
      },
    }),
    ...linkEndpoints(store),
    ...skeletonEndpoints(store),
    ...attributeEndpoints(store),
    ...seriesEndpoints(store),
    ...heatmapEndpoints(store),
    ...flowEndpoints(store),
    ...logEndpoints(store),
    ...metricEndpoints(store),
    ...topologyEndpoints(store),
    ...messagesEndpoints(store),
  ]
}

function ok<Body>(body: Body): { readonly status: 200; readonly body: Body } {
  return { status: 200, body }
}
