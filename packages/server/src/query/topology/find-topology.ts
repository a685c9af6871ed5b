import type { TopologyResponse, TopologyNode, TopologyQuery } from '@spanlink/api-schema'
import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import { parseTimeWindow } from '../sql/time-window.ts'
import { toSearchedRange } from '../sql/searched-range.ts'
import { type Call, findCalls } from './calls.ts'
import { sumGroupLag, addLag } from './lag-edges.ts'
import { type GroupLag, findLags } from './lag.ts'
import { type Edge, toEdgeNumbers, toMessageEdges } from './message-edges.ts'
import { findNestedSends, subtractNestedSends } from './nested-sends.ts'
import { parseNodeId, createServiceId } from './node-id.ts'
import { findQueueTimes } from './queue-times.ts'
import { takeSample } from './sample/take-sample.ts'
import { addLinkedTraffic, findTraffic, MAX_TRAFFIC, toPopulation, widenToMinutes } from './traffic.ts'

const MAX_EDGES = 2_000

/** Finds services, topics and consumer groups of a time window, and the traffic between them. */
export async function findTopology(
  store: Store,
  query: TopologyQuery,
  options: QueryOptions,
): Promise<TopologyResponse> {
  const requested = parseTimeWindow(query)
  const window = widenToMinutes(requested)
  const request = { store, window, options }
  const counting = findTraffic(request)
  const reading = counting.then((rows) => addLinkedTraffic(request, rows))
  const sampling = counting.then((rows) => takeSample(request, toPopulation(rows)))
  const [traffic, lags, sample, times] = await Promise.all([
    reading,
    findLags(request, requested.end, reading),
    sampling,
    reading.then((rows) => findQueueTimes(request, rows, sampling)),
  ])
  const searched = { ...window, hasDefaultEnd: query.end === undefined }
  const seconds = Number(window.end - window.start) / 1e9
  const messages = addLag(toMessageEdges(subtractNestedSends(traffic, findNestedSends(sample)), times), lags)
  const all = [...messages, ...findCalls(sample, traffic).map(toCallEdge)].sort((a, b) => b.count - a.count)
  const edges = all.slice(0, MAX_EDGES).map((edge) => ({ ...edge, ratePerSecond: edge.count / seconds }))
  return {
    startTimeUnixNano: String(window.start),
    endTimeUnixNano: String(window.end),
    nodes: toNodes(edges, lags),
    edges,
    ...toSearchedRange(searched, { isCut: all.length > MAX_EDGES || traffic.length === MAX_TRAFFIC }),
  }
}

function toCallEdge({ caller, called, numbers, sampled }: Call): Edge {
  return {
    type: 'call',
    from: createServiceId(caller),
    to: createServiceId(called),
    ...toEdgeNumbers(numbers),
    sampled,
  }
}

function toNodes(edges: readonly Edge[], known: readonly GroupLag[]): TopologyNode[] {
  const ids = new Set(edges.flatMap((edge) => [edge.from, edge.to]))
  const lagging = edges.filter(({ lag }) => lag !== undefined)
  return Array.from(ids, (id) => {
    const node = parseNodeId(id)
    return node.type === 'group' ? { ...node, ...sumGroupLag(node, lagging, known) } : node
  })
}
