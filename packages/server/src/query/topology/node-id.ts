import type { TopologyNode } from '@spanlink/contract'

/** A system's name ends at the first colon, whatever names hold. */
export function nodeId(type: TopologyNode['type'], name: string, system = ''): string {
  return type === 'service' ? `service:${name}` : `${type}:${system.replaceAll(':', '%3A')}:${name}`
}

/** What `nodeId` made. */
export function nodeOf(id: string): TopologyNode {
  const [type, rest] = splitOnce(id)
  if (type === 'service') return { id, type, name: rest, system: '' }
  const [system, name] = splitOnce(rest)
  return { id, type: type === 'topic' ? 'topic' : 'group', name, system: system.replaceAll('%3A', ':') }
}

function splitOnce(text: string): readonly [string, string] {
  const at = text.indexOf(':')
  return [text.slice(0, at), text.slice(at + 1)]
}
