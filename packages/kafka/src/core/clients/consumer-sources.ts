import { context, propagation, trace, type Context } from '@opentelemetry/api'
import type { Instrumentation } from '../instrumentation.ts'
import type { MessageSource, ReceivedMessage } from '../source.ts'
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

interface MessagePayload {
  readonly topic: string
  readonly partition: number
  readonly message: ReceivedMessage
}

interface BatchPayload {
  readonly batch: { readonly topic: string; readonly partition: number; readonly messages: readonly ReceivedMessage[] }
}

interface Handlers<M, B> {
  eachMessage?: ((payload: M) => Promise<void>) | undefined
  eachBatch?: ((payload: B) => Promise<void>) | undefined
}

/** Traces the handlers that the application gave to `run`; adds no other. */
export function traceHandlers<M extends MessagePayload, B extends BatchPayload>(
  { eachMessage, eachBatch }: Handlers<M, B>,
  instrumentation: Instrumentation,
  getSource: GetSource,
): Handlers<M, B> {
  const ambient = createHandlerContext(context.active())
  const traced: Handlers<M, B> = {}
  if (typeof eachMessage === 'function')
    traced.eachMessage = (payload) => {
      const { topic, partition, message } = payload
      const delivery = { source: getSource(topic, partition), context: ambient() }
      return instrumentation.process(message, () => eachMessage(payload), delivery)
    }
  if (typeof eachBatch === 'function')
    traced.eachBatch = (payload) => {
      const { topic, partition, messages } = payload.batch
      const delivery = { source: getSource(topic, partition), context: ambient() }
      return instrumentation.processBatch(messages, () => eachBatch(payload), delivery)
    }
  return traced
}
