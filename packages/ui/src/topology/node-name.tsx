import type { TopologyNode } from '@spanlink/api-schema'
import { Icon } from '../components/buttons/icon.tsx'
import { ServiceName, Text } from '../components/labels/labels.tsx'

/** A node with the icon of its type, the same in list, graph and details. */
export function NodeName(props: { readonly node: Pick<TopologyNode, 'type' | 'name'>; readonly cluster?: string }) {
  const { node, cluster = '' } = props
  if (node.type === 'service') return <ServiceName name={node.name} />
  return (
    <span class={`node-name ${node.type}`}>
      <Icon name={node.type} label={node.type === 'topic' ? 'Topic' : 'Consumer group'} />
      <Text>{node.name}</Text>
      {cluster !== '' && <Text class="faint cluster">{cluster}</Text>}
    </span>
  )
}
