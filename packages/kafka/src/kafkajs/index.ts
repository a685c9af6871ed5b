import type { Consumer, ConsumerConfig, Kafka, Producer, ProducerConfig } from 'kafkajs'
import { safely, warnOnce } from '../core/diagnostics.ts'
import type { KafkaTelemetryOptions } from '../options.ts'
import { toInstrumentation } from '../core/instrumentation.ts'
import type { KafkaTelemetry } from '../core/telemetry.ts'
import { captureCluster } from './cluster.ts'
import { traceConsumer } from './consumer.ts'
import { traceProducer } from './producer.ts'
import { watchClientId } from './identity.ts'
import { createPartitionWatcher } from './record-metadata.ts'
import { replaceMethod } from '../core/clients/override.ts'
import { getClientRegistry } from '../core/clients/client-registry.ts'

/**
 * Traces every producer and consumer that `kafka` creates from now on, in place. Methods are
 * replaced by own properties, so classes, other instances and `instanceof` stay the same.
 * @returns `kafka`
 */
export function traceKafkaJS<K extends Kafka>(kafka: K, options?: KafkaTelemetryOptions | KafkaTelemetry): K {
  if (getClientRegistry().clients.has(kafka)) {
    warnOnce('traceKafkaJS was called twice with the same Kafka instance; the second call does nothing')
    return kafka
  }
  if (isWrapped(kafka.producer) || isWrapped(kafka.consumer)) {
    warnOnce(
      'this Kafka instance is also traced by another instrumentation, so every operation will have two spans: ' +
        'disable one (for @opentelemetry/auto-instrumentations-node, "@opentelemetry/instrumentation-kafkajs")',
    )
  }
  if (!Object.isExtensible(kafka)) {
    warnOnce('this Kafka instance is frozen or sealed, so it cannot be traced')
    return kafka
  }
  getClientRegistry().clients.add(kafka)
  const instrumentation = toInstrumentation(options)
  const configured = instrumentation.getTracing()?.options.clientId
  const makeProducer = kafka.producer.bind(kafka)
  const makeConsumer = kafka.consumer.bind(kafka)

  replaceMethod(kafka, 'producer', (config?: ProducerConfig): Producer => {
    const partitions = createPartitionWatcher(config)
    const { client: producer, cluster } = captureCluster(kafka, () => makeProducer(partitions.config))
    safely('trace a kafkajs producer', () => {
      const identity = watchClientId(configured, undefined, (listener) =>
        producer.on(producer.events.REQUEST, listener),
      )
      traceProducer(producer, instrumentation, identity, cluster, partitions)
    })
    return producer
  })
  replaceMethod(kafka, 'consumer', (config: ConsumerConfig): Consumer => {
    const { client: consumer, cluster } = captureCluster(kafka, () => makeConsumer(config))
    safely('trace a kafkajs consumer', () => {
      const identity = watchClientId(configured, config?.groupId, (listener) =>
        consumer.on(consumer.events.REQUEST, listener),
      )
      traceConsumer(consumer, instrumentation, identity, cluster)
    })
    return consumer
  })
  return kafka
}

// OpenTelemetry's `InstrumentationBase` sets it on methods it wraps.
function isWrapped(method: unknown): boolean {
  return (method as { readonly __wrapped?: unknown }).__wrapped === true
}
