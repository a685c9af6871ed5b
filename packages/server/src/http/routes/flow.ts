import { FlowResponse, FlowParams, FlowQuery } from '@spanlink/api-schema'
import { findFlow } from '../../query/flows/find-flow.ts'
import type { Store } from '../../clickhouse/store.ts'
import { createNotFound, type Endpoint, endpoint } from './endpoint.ts'

export function flowEndpoints(store: Store): readonly Endpoint[] {
  return [
    endpoint({
      path: '/api/flows/{traceId}',
      summary: 'The flow of a trace: what its event caused, with the critical path',
      params: FlowParams,
      query: FlowQuery,
      response: FlowResponse,
      handle: async ({ params, query, signal }) => {
        const traceId = params.traceId.toLowerCase()
        const flow = await findFlow(store, traceId, query, { signal })
        return flow === undefined
          ? createNotFound(`Trace ${traceId} not found, and no link points to it.`)
          : { status: 200, body: flow }
      },
    }),
  ]
}
