import { context } from '@opentelemetry/api'
import type { Context } from '@opentelemetry/api'
import type { Consumer, ConsumerRunConfig, EachBatchHandler, EachMessageHandler } from 'kafkajs'
import { ambientOfLoop, partitionSources } from '../core/clients/consumer-sources.ts'
import type { SourceOf } from '../core/clients/consumer-sources.ts'
import type { KafkaTelemetry } from '../core/telemetry.ts'
import type { KafkaJSCluster } from './cluster.ts'
import { withOwnConnections } from './connections.ts'
import type { ClientIdentity } from './identity.ts'
import { tellConsumerEvents } from './events.ts'
import { measureConsumer } from './metrics.ts'
import { traceCommits, withTracedCommits } from './settle.ts'
import type { Settling } from './settle.ts'
import { overriding, replaceMethod } from '../core/clients/override.ts'

/** Traces the handlers that are given to `run`, and commits. */
export function traceConsumer(
  consumer: Consumer,
  telemetry: KafkaTelemetry,
  identity: ClientIdentity,
  cluster: KafkaJSCluster,
  groupId: string | undefined,
): void {
  const { run } = consumer
  const sourceOf = partitionSources(
    {
      groupId,
      get clientId() {
        return identity.clientId
      },
    },
    cluster,
  )
  const work = withOwnConnections(measureConsumer(consumer, telemetry, groupId, sourceOf), cluster)
  const events = tellConsumerEvents(consumer, telemetry, identity, cluster, groupId)
  const settling: Settling = { telemetry, identity, cluster, groupId, work, events }
  traceCommits(consumer, settling)
  replaceMethod(consumer, 'run', (config?: ConsumerRunConfig) => {
    if (typeof config !== 'object' || config === null) return run(config)
    const ambient = ambientOfLoop(context.active())
    const { eachMessage, eachBatch } = config
    const traced: ConsumerRunConfig = {}
    if (typeof eachMessage === 'function') traced.eachMessage = tracedMessages(eachMessage, settling, sourceOf, ambient)
    if (typeof eachBatch === 'function') traced.eachBatch = tracedBatches(eachBatch, settling, sourceOf, ambient)
    return work.own(() => run(overriding(config, traced)))
  })
}

function tracedMessages(
  eachMessage: EachMessageHandler,
  { telemetry, work }: Settling,
  sourceOf: SourceOf,
  ambient: () => Context,
): EachMessageHandler {
  return (payload) => {
    const { topic, partition, message } = payload
    const delivery = { source: sourceOf(topic, partition), ambient: ambient() }
    return telemetry.process(message, () => work.foreign(() => eachMessage(payload)), delivery)
  }
}

function tracedBatches(
  eachBatch: EachBatchHandler,
  settling: Settling,
  sourceOf: SourceOf,
  ambient: () => Context,
): EachBatchHandler {
  const { telemetry, work } = settling
  return (payload) => {
    const { topic, partition, messages } = payload.batch
    const delivery = { source: sourceOf(topic, partition), ambient: ambient() }
    const traced = withTracedCommits(payload, settling)
    return telemetry.batch(messages, () => work.foreign(() => eachBatch(traced)), delivery)
  }
}
