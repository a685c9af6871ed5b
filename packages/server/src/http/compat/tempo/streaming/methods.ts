import type { Store } from '../../../../clickhouse/store.ts'
import type { GrpcCall } from '../../../grpc/grpc-call.ts'
import type { SearchMetrics, TempoTrace } from '../tempo-messages.ts'
import {
  findTags,
  findTagValues,
  listTagNames,
  queryInstant,
  queryRange,
  searchTempo,
  toScopedTag,
} from '../tempo-queries.ts'
import {
  decodeMetricsRequest,
  decodeSearchRequest,
  decodeTagsRequest,
  decodeTagValuesRequest,
} from './decode-requests.ts'
import {
  encodeInstant,
  encodeRange,
  encodeScopes,
  encodeSearchResponses,
  encodeTagNames,
  encodeTagTexts,
  encodeTagValues,
} from './encode-responses.ts'

/** Sends the responses to a request. Returns warnings for which its messages have no field. */
type Method = (store: Store, request: Buffer, call: GrpcCall) => Promise<readonly string[]>

/** The methods of `tempopb.StreamingQuerier`. */
export const methods: Readonly<Record<string, Method>> = {
  Search: async (store, request, call) => {
    const { traces, metrics } = await searchTempo(store, decodeSearchRequest(request), call, sendPartials(call))
    sendAll(call, encodeSearchResponses(traces, metrics))
    return []
  },
  SearchTags: async (store, request, call) => {
    const { found, warnings } = await findTags(store, decodeTagsRequest(request), call)
    sendAll(call, encodeTagNames(listTagNames(found)))
    return warnings
  },
  SearchTagsV2: async (store, request, call) => {
    const { found, warnings } = await findTags(store, decodeTagsRequest(request), call)
    sendAll(call, encodeScopes(found))
    return warnings
  },
  SearchTagValues: async (store, request, call) => {
    const { tag = '', ...query } = decodeTagValuesRequest(request)
    const { found, warnings } = await findTagValues(store, toScopedTag(tag), query, call)
    sendAll(call, encodeTagTexts(found))
    return warnings
  },
  SearchTagValuesV2: async (store, request, call) => {
    const { tag = '', ...query } = decodeTagValuesRequest(request)
    const { found, warnings } = await findTagValues(store, tag, query, call)
    sendAll(call, encodeTagValues(found))
    return warnings
  },
  MetricsQueryRange: async (store, request, call) => {
    sendAll(call, encodeRange(await queryRange(store, decodeMetricsRequest(request), call)))
    return []
  },
  MetricsQueryInstant: async (store, request, call) => {
    sendAll(call, encodeInstant(await queryInstant(store, decodeMetricsRequest(request), call)))
    return []
  },
}

/**
 * Sends the traces found so far, in Tempo's way: each message has the new ones, the last response
 * all. A client that reads slowly gets fewer messages, not a longer queue.
 */
function sendPartials(call: GrpcCall): (traces: readonly TempoTrace[], metrics: SearchMetrics) => void {
  let unsent: readonly TempoTrace[] = []
  return (traces, metrics) => {
    unsent = [...unsent, ...traces]
    if (!call.isReading()) return
    sendAll(call, encodeSearchResponses(unsent, metrics))
    unsent = []
  }
}

function sendAll(call: GrpcCall, messages: readonly Buffer[]): void {
  for (const message of messages) call.send(message)
}
