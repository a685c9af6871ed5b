import type { TopologyResponse, TopologyNode, TopologyQuery } from '@spanlink/api-schema'
import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import { parseTimeWindow } from '../sql/time-window.ts'
import { toSearchedRange } from '../sql/searched-range.ts'
import { type Call, callsOf } from './calls.ts'
import { lagOfGroup, withLag } from './lag-edges.ts'
import { type GroupLag, lags } from './lag.ts'
import { type Edge, edgeNumbers, messageEdges } from './message-edges.ts'
import { parseNodeId, serviceId } from './node-id.ts'
import { queueTimes } from './queue-times.ts'
import { MAX_TRAFFIC, spanCounts, trafficOf, wholeMinutes } from './traffic.ts'

const MAX_EDGES = 2_000

/** Services, topics and consumer groups of a stretch of time, and what goes between them. */
export async function findTopology(
  store: Store,
  query: TopologyQuery,
  options: QueryOptions,
): Promise<TopologyResponse> {
  const requested = parseTimeWindow(query)
  const window = wholeMinutes(requested)
  const reading = trafficOf(store, window, options)
  const counting = spanCounts(store, window, options)
  const [traffic, known, times, calls] = await Promise.all([
    reading,
    lags(store, window, requested.end, reading, options),
    counting.then(({ consumedOf }) => queueTimes(store, window, consumedOf, reading, options)),
    counting.then((counts) => callsOf(store, window, counts, options)),
  ])
  const seconds = Number(window.end - window.start) / 1e9
  const messages = withLag(messageEdges(traffic, times), known)
  const all = [...messages, ...calls.map(callEdge)].sort((a, b) => b.count - a.count)
  const edges = all.slice(0, MAX_EDGES).map((edge) => ({ ...edge, ratePerSecond: edge.count / seconds }))
  return {
    startTimeUnixNano: String(window.start),
    endTimeUnixNano: String(window.end),
    nodes: nodesOf(edges, known),
    edges,
    ...toSearchedRange(window, { isCut: all.length > MAX_EDGES || traffic.length === MAX_TRAFFIC }),
  }
}

function callEdge({ caller, called, numbers, sampled }: Call): Edge {
  return {
    type: 'call',
    from: serviceId(caller),
    to: serviceId(called),
    ...edgeNumbers(numbers),
    sampled,
  }
}

function nodesOf(edges: readonly Edge[], known: readonly GroupLag[]): TopologyNode[] {
  const ids = new Set(edges.flatMap((edge) => [edge.from, edge.to]))
  const lagging = edges.filter(({ lag }) => lag !== undefined)
  return Array.from(ids, (id) => {
    const node = parseNodeId(id)
    return node.type === 'group' ? { ...node, ...lagOfGroup(node, lagging, known) } : node
  })
}
