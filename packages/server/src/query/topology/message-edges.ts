import type { Quantiles, TopologyEdge } from '@spanlink/api-schema'
import { nodeId, serviceId } from './node-id.ts'
import type { QueueTime } from './low-volume-queue-times.ts'
import type { SpanNumbers, Traffic } from './traffic.ts'

export type Edge = Omit<TopologyEdge, 'ratePerSecond'>

/** Edges between services, topics and groups, with the queue times of those that consume. */
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
    const edge = { topic, ...toEdgeNumbers(row.numbers), sampled: false }
    const topicId = nodeId('topic', topic, row)
    const groupId = nodeId('group', group, row)
    if (isProducing(row)) {
      return service === undefined ? [] : [{ type: 'produce', from: serviceId(service), to: topicId, ...edge }]
    }
    const queued = { ...edge, ...toQueueTime(timesOf(row)) }
    if (service === undefined) return group === '' ? [] : [{ type: 'deliver', from: topicId, to: groupId, ...queued }]
    return [{ type: 'consume', from: group === '' ? topicId : groupId, to: serviceId(service), ...queued }]
  })
}

/**
 * Of `receive` and `process`, `process` counts if there are any. Of `create` and `send`, `send`
 * does, with as many messages as the one that counted more: not every client writes the size of a
 * batch.
 */
function combineTraffic(known: Traffic | undefined, row: Traffic): Traffic {
  if (known === undefined) return row
  const main = row.operation === 'send' || row.operation === 'process' ? row : known
  if (!isProducing(row)) return main
  return { ...main, numbers: { ...main.numbers, count: Math.max(known.numbers.count, row.numbers.count) } }
}

/**
 * The queue times of an edge: of its own operation, else of the other, as clients tie either to the
 * producer.
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

function isProducing({ operation }: Pick<Traffic, 'operation'>): boolean {
  return operation === 'create' || operation === 'send'
}

function isConsuming({ operation }: Pick<Traffic, 'operation'>): boolean {
  return operation === 'receive' || operation === 'process'
}

function toEdgeKey(row: Traffic): string {
  const { service, system, cluster, topic, group } = row
  const produces = isProducing(row)
  return JSON.stringify([produces, service ?? null, system, cluster, topic, produces ? '' : group])
}

/**
 * Without the system, which only one end may report. Lengths delimit names: of ten thousand keys,
 * JSON takes several times as long.
 */
function toTimesKey({
  service,
  operation,
  cluster,
  topic,
  group,
}: Pick<Traffic, 'service' | 'cluster' | 'topic' | 'group'> & { readonly operation: string }): string {
  const of = service === undefined ? 'all' : `${service.length} ${service}`
  return `${operation} ${of} ${cluster.length} ${cluster}${topic.length} ${topic}${group}`
}

function toConsumerKey({ service = '', topic, group }: Pick<Traffic, 'service' | 'topic' | 'group'>): string {
  return `${service.length} ${service}${topic.length} ${topic}${group}`
}

/** Numbers of an edge, as the contract has them. */
export function toEdgeNumbers({ count, errorCount, duration, slowest, failed }: SpanNumbers) {
  const [p50, p95, p99] = duration
  const example = ([traceId, spanId]: SpanNumbers['slowest']) => ({ traceId, spanId })
  return {
    count,
    errorCount,
    durationNano: { p50, p95, p99 },
    slowest: example(slowest),
    ...(errorCount === 0 ? {} : { failed: example(failed) }),
  }
}

/** Of these messages; nearest rank. */
function toQueueTime(times: number[]): { readonly queueTimeNano?: Quantiles; readonly queueTimeCount?: number } {
  if (times.length === 0) return {}
  times.sort((a, b) => a - b)
  const at = (share: number): string => String(times[Math.ceil(share * times.length) - 1] ?? 0)
  return { queueTimeNano: { p50: at(0.5), p95: at(0.95), p99: at(0.99) }, queueTimeCount: times.length }
}
