import {
  DeleteTraceResponse,
  DeleteTracesQuery,
  DeleteTracesResponse,
  FindSpansQuery,
  FindSpansResponse,
  LinksQuery,
  LinksResponse,
  SpanParams,
  SpanQuery,
  SpanResponse,
  TraceParams,
  TraceResponse,
  TraceSkeleton,
  TracesQuery,
  TracesResponse,
} from '@spanlink/api-schema'
import type { Store } from '../../clickhouse/store.ts'
import { deleteByQuery } from '../../query/deletes/delete-by-query.ts'
import { deleteTraces } from '../../query/deletes/delete-traces.ts'
import { findLinks } from '../../query/links/find-links.ts'
import { searchByQuery } from '../../query/traces/search-by-query.ts'
import { searchTraces } from '../../query/traces/search.ts'
import { findSpansByText } from '../../query/traces/by-id/find-spans.ts'
import { findSkeleton } from '../../query/traces/by-id/trace-skeleton.ts'
import { findSpan, findTrace } from '../../query/traces/by-id/trace.ts'
import { type Endpoint, endpoint } from './endpoint.ts'

/**
 * Returns traces whole, and in parts for clients that show many spans but the details of one at a
 * time.
 */
export function traceEndpoints(store: Store): readonly Endpoint[] {
  return [
    endpoint({
      path: '/api/traces',
      role: 'read',
      summary: 'Summaries of traces with a span that matches all filters, newest first',
      query: TracesQuery,
      response: TracesResponse,
      find: ({ query, options }) =>
        query.q === undefined ? searchTraces(store, query, options) : searchByQuery(store, query.q, query, options),
    }),
    endpoint({
      path: '/api/traces/{traceId}',
      role: 'read',
      summary: 'One trace with attributes, events and links',
      params: TraceParams,
      response: TraceResponse,
      find: ({ params, options }) => findTrace(store, params.traceId, options),
      notFound: describeMissingTrace,
    }),
    endpoint({
      path: '/api/traces/{traceId}/links',
      role: 'read',
      summary: 'Links of a trace in either direction, with both ends',
      params: TraceParams,
      query: LinksQuery,
      response: LinksResponse,
      find: ({ params, query, options }) => findLinks(store, params.traceId, query, options),
      notFound: describeMissingTrace,
    }),
    endpoint({
      path: '/api/traces/{traceId}/skeleton',
      role: 'read',
      summary: 'One trace without attributes, in columns of base64: 100,000 spans are about 5 MB',
      params: TraceParams,
      response: TraceSkeleton,
      find: ({ params, options }) => findSkeleton(store, params.traceId, options),
      notFound: describeMissingTrace,
    }),
    endpoint({
      path: '/api/traces/{traceId}/spans',
      role: 'read',
      summary: "Ids of a trace's spans that contain a text",
      params: TraceParams,
      query: FindSpansQuery,
      response: FindSpansResponse,
      find: ({ params, query, options }) => findSpansByText(store, params.traceId, query.text, options),
    }),
    endpoint({
      path: '/api/traces/{traceId}/spans/{spanId}',
      role: 'read',
      summary: 'One span with its resource and scope',
      params: SpanParams,
      query: SpanQuery,
      response: SpanResponse,
      find: ({ params, query, options }) => findSpan(store, params, query, options),
      notFound: ({ params }) => `Span ${params.spanId} of trace ${params.traceId} not found.`,
    }),
    // DELETE, not POST: no other site's page can send it without CORS.
    endpoint({
      path: '/api/traces',
      method: 'DELETE',
      role: 'admin',
      summary: 'Deletes the traces of a page of a TraceQL search',
      query: DeleteTracesQuery,
      response: DeleteTracesResponse,
      find: ({ query, options }) => deleteByQuery(store, query, options),
    }),
    endpoint({
      path: '/api/traces/{traceId}',
      method: 'DELETE',
      role: 'admin',
      summary: 'Deletes a trace with its links, logs and exemplars',
      params: TraceParams,
      response: DeleteTraceResponse,
      find: async ({ params, options }) => {
        const { deletedTraces, deletedSpans } = await deleteTraces(store, [params.traceId], options)
        return deletedTraces === 0 ? undefined : { deletedSpans }
      },
      notFound: describeMissingTrace,
    }),
  ]
}

function describeMissingTrace({ params }: { readonly params: { readonly traceId: string } }): string {
  return `Trace ${params.traceId} not found.`
}
