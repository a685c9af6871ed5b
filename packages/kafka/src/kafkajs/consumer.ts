import { context, type Context } from '@opentelemetry/api'
import type { Consumer, ConsumerRunConfig, EachBatchHandler, EachMessageHandler } from 'kafkajs'
import { createHandlerContext, createPartitionSources, type GetSource } from '../core/clients/consumer-sources.ts'
import type { Instrumentation } from '../core/instrumentation.ts'
import type { KafkaJSCluster } from './cluster.ts'
import { scopeToConnections } from './connections.ts'
import type { ClientIdentity } from './identity.ts'
import { emitConsumerEvents } from './events.ts'
import { measureConsumer } from './metrics.ts'
import { traceCommits, traceBatchCommits, type Settling } from './settle.ts'
import { overrideProperties, replaceMethod } from '../core/clients/override.ts'

/** Traces the handlers that are given to `run`, and commits. */
export function traceConsumer(
  consumer: Consumer,
  instrumentation: Instrumentation,
  identity: ClientIdentity,
  cluster: KafkaJSCluster,
  groupId: string | undefined,
): void {
  const { run } = consumer
  const getSource = createPartitionSources(
    {
      groupId,
      get clientId() {
        return identity.clientId
      },
    },
    cluster,
  )
  const work = scopeToConnections(measureConsumer(consumer, instrumentation, groupId, getSource), cluster)
  const events = emitConsumerEvents(consumer, instrumentation, identity, cluster, groupId)
  const settling: Settling = { instrumentation, identity, cluster, groupId, work, events }
  traceCommits(consumer, settling)
  replaceMethod(consumer, 'run', (config?: ConsumerRunConfig) => {
    if (typeof config !== 'object' || config === null) return run(config)
    const ambient = createHandlerContext(context.active())
    const { eachMessage, eachBatch } = config
    const traced: ConsumerRunConfig = {}
    if (typeof eachMessage === 'function')
      traced.eachMessage = traceEachMessage(eachMessage, settling, getSource, ambient)
    if (typeof eachBatch === 'function') traced.eachBatch = traceEachBatch(eachBatch, settling, getSource, ambient)
    return work.runAsClient(() => run(overrideProperties(config, traced)))
  })
}

function traceEachMessage(
  eachMessage: EachMessageHandler,
  { instrumentation, work }: Settling,
  getSource: GetSource,
  ambient: () => Context,
): EachMessageHandler {
  return (payload) => {
    const { topic, partition, message } = payload
    const delivery = { source: getSource(topic, partition), context: ambient() }
    return instrumentation.process(message, () => work.runAsApplication(() => eachMessage(payload)), delivery)
  }
}

function traceEachBatch(
  eachBatch: EachBatchHandler,
  settling: Settling,
  getSource: GetSource,
  ambient: () => Context,
): EachBatchHandler {
  const { instrumentation, work } = settling
  return (payload) => {
    const { topic, partition, messages } = payload.batch
    const delivery = { source: getSource(topic, partition), context: ambient() }
    const traced = traceBatchCommits(payload, settling)
    return instrumentation.processBatch(messages, () => work.runAsApplication(() => eachBatch(traced)), delivery)
  }
}
