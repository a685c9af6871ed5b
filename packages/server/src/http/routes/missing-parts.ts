import type { SearchedRange, TraceLink } from '@spanlink/api-schema'
import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import {
  countMissingParts,
  countMissingPartsOfTraces,
  countLostTraceParts,
  describeMissingParts,
  toSignal,
} from '../../query/sql/missing-parts.ts'
import type { EndpointResponse } from './endpoint.ts'

/**
 * Marks a response as incomplete if unreadable parts or rows may belong to its range or its traces.
 *
 * @param request `path` is that of the endpoint, such as `/api/flows/{traceId}`
 */
export async function markMissingParts(
  response: EndpointResponse,
  request: { readonly path: string; readonly params: unknown },
  store: Store,
  options: QueryOptions,
): Promise<EndpointResponse> {
  if (store.missingParts().length === 0 && store.damagedRows.count() === 0) return response
  const { traceId } = (request.params ?? {}) as { readonly traceId?: string }
  if (response.status === 404) {
    const count = traceId === undefined ? 0 : countLostTraceParts(store, [traceId])
    if (count === 0) return response
    return { ...response, detail: `${response.detail} ${describeMissingParts(count, 'the trace')}`, missingParts: true }
  }
  const { body } = response
  if (typeof body !== 'object' || body === null) return response
  const count =
    traceId !== undefined
      ? await countMissingPartsOfTraces(store, [traceId, ...listRelatedTraces(body)], options)
      : isRange(body)
        ? countMissingParts(store, toSignal(request.path.split('/')[2] ?? ''), BigInt(body.searched.start)) +
          store.damagedRows.countOf(listRelatedTraces(body))
        : 0
  if (count === 0) return response
  return { ...response, body: { ...body, ...('complete' in body && { complete: false }), missingParts: true } }
}

function isRange(body: object): body is SearchedRange & Related {
  return 'searched' in body && 'complete' in body
}

/**
 * Lists the traces of a list or a flow, and those that links of a trace refer to but that were not
 * found.
 */
function listRelatedTraces({ traces = [], lanes = [], missingTraceIds = [], links = [] }: Related): string[] {
  const peers = links.flatMap(({ peer, peerTraceId }) => (peer === null && peerTraceId !== '' ? [peerTraceId] : []))
  return [...[...traces, ...lanes].map(({ traceId }) => traceId), ...missingTraceIds, ...peers]
}

type Related = {
  readonly traces?: readonly { readonly traceId: string }[]
  readonly lanes?: readonly { readonly traceId: string }[]
  readonly missingTraceIds?: readonly string[]
  readonly links?: readonly Pick<TraceLink, 'peer' | 'peerTraceId'>[]
}
