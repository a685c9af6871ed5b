import {
  FindSpansResponse,
  FindSpansQuery,
  SpanResponse,
  SpanParams,
  SpanQuery,
  TraceParams,
  TraceSkeleton,
} from '@spanlink/api-schema'
import { findSkeleton, findSpansByText } from '../../query/traces/trace-skeleton.ts'
import { findSpan } from '../../query/traces/trace.ts'
import type { Store } from '../../clickhouse/store.ts'
import { createNotFound, createTraceNotFound, type Endpoint, endpoint } from './endpoint.ts'

/** Returns a trace in parts, for clients that show many spans but the details of one at a time. */
export function skeletonEndpoints(store: Store): readonly Endpoint[] {
  return [
    endpoint({
      path: '/api/traces/{traceId}/skeleton',
      summary: 'One trace without attributes, in columns of base64: 100,000 spans are about 5 MB',
      params: TraceParams,
      response: TraceSkeleton,
      handle: async ({ params, signal }) => {
        const traceId = params.traceId.toLowerCase()
        const body = await findSkeleton(store, traceId, { signal })
        return body === undefined ? createTraceNotFound(traceId) : { status: 200, body }
      },
    }),
    endpoint({
      path: '/api/traces/{traceId}/spans',
      summary: "Ids of a trace's spans that contain a text",
      params: TraceParams,
      query: FindSpansQuery,
      response: FindSpansResponse,
      handle: async ({ params, query, signal }) => ({
        status: 200,
        body: await findSpansByText(store, params.traceId.toLowerCase(), query.text, { signal }),
      }),
    }),
    endpoint({
      path: '/api/traces/{traceId}/spans/{spanId}',
      summary: 'One span with its resource and scope',
      params: SpanParams,
      query: SpanQuery,
      response: SpanResponse,
      handle: async ({ params, query, signal }) => {
        const ref = { traceId: params.traceId.toLowerCase(), spanId: params.spanId.toLowerCase() }
        const body = await findSpan(store, ref, query, { signal })
        return body === undefined
          ? createNotFound(`Span ${ref.spanId} of trace ${ref.traceId} not found.`)
          : { status: 200, body }
      },
    }),
  ]
}
