import type { Consumer, ConsumerRunConfig } from 'kafkajs'
import { createPartitionSources, traceHandlers } from '../core/clients/consumer-sources.ts'
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
): void {
  const { run } = consumer
  const getSource = createPartitionSources(identity, cluster)
  const work = scopeToConnections(measureConsumer(consumer, instrumentation, identity.groupId, getSource), cluster)
  const events = emitConsumerEvents(consumer, instrumentation, identity, cluster)
  const settling: Settling = { instrumentation, identity, cluster, work, events }
  traceCommits(consumer, settling)
  replaceMethod(consumer, 'run', (config?: ConsumerRunConfig) => {
    if (typeof config !== 'object' || config === null) return run(config)
    const scoped = runAsApplication(config, settling)
    const traced = traceHandlers(scoped, instrumentation, getSource)
    return work.runAsClient(() => run(overrideProperties(config, traced)))
  })
}

/** Runs handlers as the application's, and traces the commits of batches. */
function runAsApplication({ eachMessage, eachBatch }: ConsumerRunConfig, settling: Settling): ConsumerRunConfig {
  const { work } = settling
  return {
    eachMessage:
      typeof eachMessage === 'function' ? (payload) => work.runAsApplication(() => eachMessage(payload)) : undefined,
    eachBatch:
      typeof eachBatch === 'function'
        ? (payload) => work.runAsApplication(() => eachBatch(traceBatchCommits(payload, settling)))
        : undefined,
  }
}
