import type { TopologyLag, TopologyNode } from '@spanlink/api-schema'
import { isSameOrUnknown } from '../records/record-metadata.ts'
import type { GroupLag } from './lag.ts'
import type { Edge } from './message-edges.ts'
import { createNodeId, parseNodeId } from './node-id.ts'

/**
 * Adds the lag to edges from a topic to a group. Also adds an edge for each group that consumed
 * nothing from a topic in the window while messages wait for it.
 */
export function addLag(edges: readonly Edge[], known: readonly GroupLag[]): Edge[] {
  const lagsOf = Map.groupBy(known, toGroupKey)
  const endsOf = Map.groupBy(
    edges.flatMap((edge) => toGroupEnds(edge) ?? []),
    toGroupKey,
  )
  const withLag = edges.map((edge) => {
    const ends = toGroupEnds(edge)
    if (ends === undefined) return edge
    const key = toGroupKey(ends)
    const lag = findByCluster(lagsOf.get(key) ?? [], ends.cluster, endsOf.get(key)?.length === 1)
    return lag === undefined ? edge : { ...edge, lag: toTopologyLag(lag) }
  })
  const waiting = known.filter(
    (lag) =>
      lag.messages > 0 && !endsOf.get(toGroupKey(lag))?.some(({ cluster }) => isSameOrUnknown(cluster, lag.cluster)),
  )
  return [...withLag, ...toWaitingEdges(waiting, listTopicNodes(edges))]
}

function toGroupEnds(edge: Edge): Pick<GroupLag, 'topic' | 'group' | 'cluster'> | undefined {
  if (edge.type !== 'deliver' || edge.topic === undefined) return undefined
  const { name, cluster, system } = parseNodeId(edge.to)
  return mayBeKafka({ system }) ? { topic: edge.topic, group: name, cluster } : undefined
}

/**
 * Finds the entry of this cluster. If either cluster is unknown, the only candidate matches.
 *
 * @param isOnly no other item with the same name is matched against `all`
 */
function findByCluster<Located extends { readonly cluster: string }>(
  all: readonly Located[],
  cluster: string,
  isOnly: boolean,
): Located | undefined {
  const exact = all.find((one) => one.cluster === cluster)
  if (exact !== undefined || !isOnly || all.length !== 1) return exact
  return all.find((one) => isSameOrUnknown(one.cluster, cluster))
}

function listTopicNodes(edges: readonly Edge[]): ReadonlyMap<string, readonly TopologyNode[]> {
  const ids = new Set(edges.flatMap(({ from, to }) => [from, to]))
  const topics = Array.from(ids, parseNodeId).filter((node) => node.type === 'topic' && mayBeKafka(node))
  return Map.groupBy(topics, ({ name }) => name)
}

function toWaitingEdges(known: readonly GroupLag[], topics: ReadonlyMap<string, readonly TopologyNode[]>): Edge[] {
  return known.flatMap((lag): Edge[] => {
    const { topic, group } = lag
    const from = findByCluster(topics.get(topic) ?? [], lag.cluster, true)
    if (from === undefined) return []
    const numbers = { count: 0, errorCount: 0, durationNano: { p50: '0', p95: '0', p99: '0' }, sampled: false }
    const to = createNodeId('group', group, from)
    return [{ type: 'deliver', from: from.id, to, topic, ...numbers, lag: toTopologyLag(lag) }]
  })
}

function toTopologyLag({ messages, timeUnixNano, stale, metric }: TopologyLag): TopologyLag {
  return { messages, timeUnixNano, stale, metric }
}

/**
 * Sums the lag over the topics that have edges to the group. Without any, uses metrics that report
 * no topics.
 */
export function sumGroupLag(
  node: TopologyNode,
  edges: readonly Edge[],
  known: readonly GroupLag[],
): { readonly lag?: TopologyLag } {
  const ofTopics = edges.flatMap(({ to, lag }) => (to === node.id && lag !== undefined ? [lag] : []))
  const ofAll = known.filter(
    ({ group, topic, cluster }) =>
      group === node.name && topic === '' && mayBeKafka(node) && isSameOrUnknown(cluster, node.cluster),
  )
  const parts = ofTopics.length > 0 ? ofTopics : ofAll
  const [first] = parts
  if (first === undefined) return {}
  return {
    lag: {
      messages: parts.reduce((sum, part) => sum + part.messages, 0),
      timeUnixNano: parts.map((part) => part.timeUnixNano).reduce((a, b) => (BigInt(b) < BigInt(a) ? b : a)),
      stale: parts.some(({ stale }) => stale),
      metric: first.metric,
    },
  }
}

/** Lag metrics come from Kafka. Some spans do not name their messaging system. */
function mayBeKafka({ system }: Pick<TopologyNode, 'system'>): boolean {
  return system === 'kafka' || system === ''
}

function toGroupKey({ topic, group }: Pick<GroupLag, 'topic' | 'group'>): string {
  return JSON.stringify([topic, group])
}
