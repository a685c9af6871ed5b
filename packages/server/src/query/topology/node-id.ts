import type { TopologyNode } from '@spanlink/api-schema'

/** System and cluster of a topic or group. Names are unique only within both. */
export type Location = Pick<TopologyNode, 'system' | 'cluster'>

export function createServiceId(name: string): string {
  return `service:${name}`
}

/** Escapes colons in system and cluster; the name may contain any. */
export function createNodeId(type: 'topic' | 'group', name: string, { system, cluster }: Location): string {
  return `${type}:${escapeColons(system)}:${escapeColons(cluster)}:${name}`
}

/** The inverse of `serviceId` and `nodeId`. */
export function parseNodeId(id: string): TopologyNode {
  const [type, rest] = splitOnce(id)
  if (type === 'service') return { id, type, name: rest, system: '', cluster: '' }
  const [system, inSystem] = splitOnce(rest)
  const [cluster, name] = splitOnce(inSystem)
  return {
    id,
    type: type === 'topic' ? 'topic' : 'group',
    name,
    system: unescapeColons(system),
    cluster: unescapeColons(cluster),
  }
}

function escapeColons(text: string): string {
  return text.replaceAll('%', '%25').replaceAll(':', '%3A')
}

function unescapeColons(text: string): string {
  return text.replaceAll('%3A', ':').replaceAll('%25', '%')
}

function splitOnce(text: string): readonly [string, string] {
  const at = text.indexOf(':')
  return [text.slice(0, at), text.slice(at + 1)]
}
