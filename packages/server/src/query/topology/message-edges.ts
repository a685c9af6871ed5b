import type { Quantiles, TopologyEdge } from '@spanlink/api-schema'
import { isConsuming, isProducing } from '../messages/messaging-spans/messaging-span.ts'
import { createNodeId, createServiceId } from './node-id.ts'
import { toQuantiles } from './quantiles.ts'
import type { QueueTime } from './queue-times.ts'
import type { SpanNumbers, Traffic } from './traffic.ts'

export type Edge = Omit<TopologyEdge, 'ratePerSecond'>

/** Builds edges between services, topics and groups. Consuming edges have queue times. */
export function toMessageEdges(traffic: readonly Traffic[], times: readonly QueueTime[]): Edge[] {
  const perEdge = new Map<string, Traffic>()
  for (const row of traffic) {
    if (row.topic === '' || row.operation === 'none' || row.operation === 'settle') continue
    const key = toEdgeKey(row)
    perEdge.set(key, combineTraffic(perEdge.get(key), row))
  }
  const timesOf = groupTimesByEdge(traffic, times)
  return [...perEdge.values()].flatMap((row): Edge[] => {
    const { service, topic, group } = row
    const edge = { topic, ...toEdgeNumbers(row.numbers), sampled: row.sampled }
    const topicId = createNodeId('topic', topic, row)
    const groupId = createNodeId('group', group, row)
    if (isProducing(row)) {
      return service === undefined ? [] : [{ type: 'produce', from: createServiceId(service), to: topicId, ...edge }]
    }
    const queued = { ...edge, ...toQueueTime(timesOf(row)) }
    if (service === undefined) return group === '' ? [] : [{ type: 'deliver', from: topicId, to: groupId, ...queued }]
    return [{ type: 'consume', from: group === '' ? topicId : groupId, to: createServiceId(service), ...queued }]
  })
}

/**
 * Merges rows of one edge: `process` takes precedence over `receive`, and `send` over `create`.
 * Producing edges use the larger message count, as not every client records the batch size.
 */
function combineTraffic(known: Traffic | undefined, row: Traffic): Traffic {
  if (known === undefined) return row
  const main = row.operation === 'send' || row.operation === 'process' ? row : known
  if (!isProducing(row)) return main
  return { ...main, numbers: { ...main.numbers, count: Math.max(known.numbers.count, row.numbers.count) } }
}

/**
 * Groups queue times by edge. Uses those of the edge's operation, else those of the other one:
 * clients relate either `receive` or `process` to the producer.
 */
function groupTimesByEdge(traffic: readonly Traffic[], times: readonly QueueTime[]): (row: Traffic) => number[] {
  const clustersOf = Map.groupBy(
    traffic.filter((row) => row.service !== undefined && isConsuming(row)),
    toConsumerKey,
  )
  const located = times.map((time) => {
    if (time.cluster !== '') return time
    const clusters = new Set(clustersOf.get(toConsumerKey(time))?.map(({ cluster }) => cluster))
    const [only = ''] = clusters
    return clusters.size === 1 ? { ...time, cluster: only } : time
  })
  const byKey = Map.groupBy(
    located.flatMap((time) => [time, { ...time, service: undefined }]),
    toTimesKey,
  )
  return (row) => {
    const other = row.operation === 'receive' ? 'process' : 'receive'
    const found = byKey.get(toTimesKey(row)) ?? byKey.get(toTimesKey({ ...row, operation: other })) ?? []
    return found.map(({ time }) => time)
  }
}

function toEdgeKey(row: Traffic): string {
  const { service, system, cluster, topic, group } = row
  const produces = isProducing(row)
  return JSON.stringify([produces, service ?? null, system, cluster, topic, produces ? '' : group])
}

/**
 * Excludes the system, which only one end may report. Length prefixes delimit names: for ten
 * thousand keys, JSON takes several times as long.
 */
function toTimesKey(row: Omit<QueueTime, 'service' | 'time'> & Pick<Traffic, 'service'>): string {
  const { operation, service, cluster } = row
  const scope = service === undefined ? 'all' : 'one'
  return `${operation} ${scope} ${cluster.length} ${cluster}${toConsumerKey(row)}`
}

function toConsumerKey({ service = '', topic, group }: Pick<Traffic, 'service' | 'topic' | 'group'>): string {
  return `${service.length} ${service}${topic.length} ${topic}${group}`
}

/** Converts numbers to the edge fields of the API. */
export function toEdgeNumbers({ count, errorCount, duration, slowest, failed }: SpanNumbers) {
  const [p50, p95, p99] = duration
  return {
    count,
    errorCount,
    durationNano: { p50, p95, p99 },
    ...toExample('slowest', slowest),
    ...(errorCount === 0 ? {} : toExample('failed', failed)),
  }
}

/** Zeros if the span was deleted. */
const NO_TRACE = '0'.repeat(32)

function toExample(
  name: 'slowest' | 'failed',
  [traceId, spanId]: SpanNumbers['slowest'],
): Pick<TopologyEdge, 'slowest' | 'failed'> {
  return traceId === NO_TRACE ? {} : { [name]: { traceId, spanId } }
}

function toQueueTime(times: number[]): { readonly queueTimeNano?: Quantiles; readonly queueTimeCount?: number } {
  if (times.length === 0) return {}
  const [p50, p95, p99] = toQuantiles(times)
  return { queueTimeNano: { p50, p95, p99 }, queueTimeCount: times.length }
}
