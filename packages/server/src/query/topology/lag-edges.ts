import type { TopologyEdge, TopologyLag, TopologyNode } from '@spanlink/contract'
import type { GroupLag } from './lag.ts'
import { nodeId, nodeOf } from './node-id.ts'

type Edge = Omit<TopologyEdge, 'rate'>

/**
 * The edges, those from a topic to a group with their lag. A group that took nothing of a topic all the time, while messages wait for
 * it, is an edge as well.
 */
export function withLag(edges: readonly Edge[], known: readonly GroupLag[]): Edge[] {
  const lagOf = new Map(known.map(({ group, topic, ...lag }) => [keyOf(topic, group), lag]))
  const taken = new Set<string>()
  const told = edges.map((edge) => {
    if (edge.type !== 'deliver' || edge.topic === undefined) return edge
    const group = nodeOf(edge.to)
    const key = keyOf(edge.topic, group.name)
    const lag = lagOf.get(key)
    taken.add(key)
    return lag === undefined || !mayBeKafka(group) ? edge : { ...edge, lag }
  })
  const topics = new Map<string, TopologyNode>()
  for (const id of edges.flatMap(({ from, to }) => [from, to])) {
    const node = nodeOf(id)
    if (node.type === 'topic' && mayBeKafka(node)) topics.set(node.name, node)
  }
  const waiting = known.flatMap(({ topic, group, ...lag }): Edge[] => {
    const from = topics.get(topic)
    if (from === undefined || lag.messages === 0 || taken.has(keyOf(topic, group))) return []
    const numbers = { count: 0, errorCount: 0, duration: { p50: '0', p95: '0', p99: '0' }, sampled: false }
    return [{ type: 'deliver', from: from.id, to: nodeId('group', group, from.system), topic, ...numbers, lag }]
  })
  return [...told, ...waiting]
}

/** Over the topics that a group has edges of; where a metric doesn't tell topics apart, of the group. */
export function lagOfGroup(
  { id, name, system }: TopologyNode,
  edges: readonly Edge[],
  known: readonly GroupLag[],
): { readonly lag?: TopologyLag } {
  const ofTopics = edges.flatMap(({ to, lag }) => (to === id && lag !== undefined ? [lag] : []))
  const ofAll = known.filter(({ group, topic }) => group === name && topic === '' && mayBeKafka({ system }))
  const parts = ofTopics.length > 0 ? ofTopics : ofAll
  const [first] = parts
  if (first === undefined) return {}
  const newest = parts.reduce((last, one) => (BigInt(one.timeUnixNano) > BigInt(last.timeUnixNano) ? one : last), first)
  const messages = parts.reduce((sum, part) => sum + part.messages, 0)
  return { lag: { messages, timeUnixNano: newest.timeUnixNano, metric: newest.metric } }
}

/** The metrics are Kafka's; some spans don't say whose they are. */
function mayBeKafka({ system }: Pick<TopologyNode, 'system'>): boolean {
  return system === 'kafka' || system === ''
}

function keyOf(topic: string, group: string): string {
  return JSON.stringify([topic, group])
}
