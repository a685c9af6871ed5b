import type { Quantiles, TopologyAnswer, TopologyEdge, TopologyNode, TopologyQuery } from '@spanlink/contract'
import type { QueryOptions, Store } from '../../store/store.ts'
import { timeWindow } from '../messaging/time-window.ts'
import { type Call, callsOf } from './calls.ts'
import { lagOfGroup, withLag } from './lag-edges.ts'
import { type GroupLag, lags } from './lag.ts'
import { nodeId, nodeOf } from './node-id.ts'
import { queueTimes } from './queue-times.ts'
import type { QueueTime } from './quiet-times.ts'
import { MAX_TRAFFIC, type SpanNumbers, spanCounts, type Traffic, trafficOf, wholeMinutes } from './traffic.ts'

const MAX_EDGES = 2_000

/** Services, topics and consumer groups of a stretch of time, and what goes between them. */
export async function findTopology(store: Store, query: TopologyQuery, options: QueryOptions): Promise<TopologyAnswer> {
  const window = wholeMinutes(timeWindow(query))
  const reading = trafficOf(store, window, options)
  const counting = spanCounts(store, window, options)
  const [traffic, known, times, calls] = await Promise.all([
    reading,
    lags(store, window, reading, options),
    counting.then(({ consumedOf }) => queueTimes(store, window, consumedOf, reading, options)),
    counting.then(({ spans }) => callsOf(store, window, spans, options)),
  ])
  const seconds = Number(window.end - window.start) / 1e9
  const messages = withLag(messageEdges(traffic, times), known)
  const all = [...messages, ...calls.map(callEdge)].sort((a, b) => b.count - a.count)
  const edges = all.slice(0, MAX_EDGES).map((edge) => ({ ...edge, rate: edge.count / seconds }))
  return {
    startTimeUnixNano: String(window.start),
    endTimeUnixNano: String(window.end),
    nodes: nodesOf(edges, known),
    edges,
    truncated: all.length > MAX_EDGES || traffic.length === MAX_TRAFFIC,
  }
}

type Edge = Omit<TopologyEdge, 'rate'>

function messageEdges(traffic: readonly Traffic[], times: readonly QueueTime[]): Edge[] {
  const perEdge = new Map<string, Traffic>()
  for (const row of traffic) {
    if (row.topic === '' || row.operation === 'none' || row.operation === 'settle') continue
    const key = edgeKey(row)
    // Of `create` and `send`, and of `receive` and `process`, one is what the edge counts.
    if (!perEdge.has(key) || row.operation === 'send' || row.operation === 'process') perEdge.set(key, row)
  }
  const timesOf = Map.groupBy(
    times.flatMap((time) => [time, { ...time, service: undefined }]),
    (time) => timesKey(time),
  )
  return [...perEdge.values()].flatMap((row): Edge[] => {
    const { service, operation } = row
    // Of a batch, which counts as received, the span says `process`.
    const of = timesOf.get(timesKey(row)) ?? timesOf.get(timesKey({ ...row, operation: 'process' })) ?? []
    const edge = {
      topic: row.topic,
      ...numbersOf(row.numbers),
      ...(isProducing(operation) ? {} : queueTimeOf(of.map(({ time }) => time))),
      sampled: false,
    }
    const topic = nodeId('topic', row.topic, row.system)
    const group = nodeId('group', row.group, row.system)
    if (isProducing(operation)) {
      return service === undefined ? [] : [{ type: 'produce', from: nodeId('service', service), to: topic, ...edge }]
    }
    if (service === undefined) return row.group === '' ? [] : [{ type: 'deliver', from: topic, to: group, ...edge }]
    return [{ type: 'consume', from: row.group === '' ? topic : group, to: nodeId('service', service), ...edge }]
  })
}

function callEdge({ caller, called, numbers, sampled }: Call): Edge {
  return {
    type: 'call',
    from: nodeId('service', caller),
    to: nodeId('service', called),
    ...numbersOf(numbers),
    sampled,
  }
}

function isProducing(operation: Traffic['operation']): boolean {
  return operation === 'create' || operation === 'send'
}

function edgeKey({ service, operation, system, topic, group }: Omit<Traffic, 'numbers'>): string {
  const produces = isProducing(operation)
  return JSON.stringify([produces, service ?? null, system, topic, produces ? '' : group])
}

/** Without the system, which the ends of a message may tell apart (one names it, the other doesn't). */
function timesKey({
  service,
  operation,
  topic,
  group,
}: Pick<Traffic, 'service' | 'topic' | 'group'> & { readonly operation: string }): string {
  // Of ten thousand times: JSON takes several times as long.
  const of = service === undefined ? 'all' : `${service.length} ${service}`
  return `${operation} ${of} ${topic.length} ${topic}${group}`
}

function numbersOf({ count, errorCount, duration, slowest, failed }: SpanNumbers) {
  const [p50, p95, p99] = duration
  const example = ([traceId, spanId]: SpanNumbers['slowest']) => ({ traceId, spanId })
  return {
    count,
    errorCount,
    duration: { p50, p95, p99 },
    slowest: example(slowest),
    ...(errorCount === 0 ? {} : { failed: example(failed) }),
  }
}

/** Of these messages; nearest rank. */
function queueTimeOf(times: number[]): { readonly queueTime?: Quantiles; readonly queueTimeCount?: number } {
  if (times.length === 0) return {}
  times.sort((a, b) => a - b)
  const at = (share: number): string => String(times[Math.ceil(share * times.length) - 1] ?? 0)
  return { queueTime: { p50: at(0.5), p95: at(0.95), p99: at(0.99) }, queueTimeCount: times.length }
}

function nodesOf(edges: readonly Edge[], known: readonly GroupLag[]): TopologyNode[] {
  const ids = new Set(edges.flatMap((edge) => [edge.from, edge.to]))
  const lagging = edges.filter(({ lag }) => lag !== undefined)
  return Array.from(ids, (id) => {
    const node = nodeOf(id)
    return node.type === 'group' ? { ...node, ...lagOfGroup(node, lagging, known) } : node
  })
}
