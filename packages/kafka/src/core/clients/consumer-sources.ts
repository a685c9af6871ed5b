import { context, propagation, trace, type Context } from '@opentelemetry/api'
import type { MessageSource } from '../source.ts'
import type { ClusterView } from './cluster-view.ts'

/**
 * Creates the getter of the handlers' ambient context. A loop inherits the context of `run` for
 * ever: a span or baggage active there (at start-up) belongs to no message and is removed.
 */
export function createHandlerContext(inherited: Context): () => Context {
  const inheritedSpan = trace.getSpan(inherited)
  const inheritedBaggage = propagation.getBaggage(inherited)
  return () => {
    let active = context.active()
    if (inheritedSpan !== undefined && trace.getSpan(active) === inheritedSpan) active = trace.deleteSpan(active)
    if (inheritedBaggage !== undefined && propagation.getBaggage(active) === inheritedBaggage) {
      active = propagation.deleteBaggage(active)
    }
    return active
  }
}

export type GetSource = (topic: string, partition: number) => MessageSource

/**
 * Returns one source object per partition until the metadata changes: attributes are computed once
 * for each.
 */
export function createPartitionSources(
  identity: Pick<MessageSource, 'clientId' | 'groupId'>,
  cluster?: ClusterView,
): GetSource {
  const topics = new Map<string, MessageSource[]>()
  let revision: object | undefined
  return (topic, partition) => {
    const current = cluster?.getRevision()
    if (current !== revision) {
      revision = current
      topics.clear()
    }
    let partitions = topics.get(topic)
    if (partitions === undefined) topics.set(topic, (partitions = []))
    const { groupId, clientId } = identity
    return (partitions[partition] ??= Object.freeze({
      topic,
      partition,
      groupId,
      clientId,
      clusterId: cluster?.getClusterId(),
      server: cluster?.getLeader(topic, partition),
    }))
  }
}
