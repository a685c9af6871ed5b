import type { KafkaJS } from '@confluentinc/kafka-javascript'
import { safely, warnOnce } from '../core/diagnostics.ts'
import type { KafkaTelemetryOptions } from '../options.ts'
import { toInstrumentation, type Instrumentation } from '../core/instrumentation.ts'
import type { KafkaTelemetry } from '../core/telemetry.ts'
import { traceConfluentConsumer } from './consumer.ts'
import { createClientSettings, getInternalClient } from './settings.ts'
import { traceConfluentProducer } from './producer.ts'
import { emitRdkafkaEvents } from '../rdkafka/client-events.ts'
import { measureStatistics } from '../rdkafka/measure-statistics.ts'
import type { ClientSettings } from '../rdkafka/settings.ts'
import { replaceMethod } from '../core/clients/override.ts'
import { getClientRegistry } from '../core/clients/client-registry.ts'

export interface ConfluentOptions extends KafkaTelemetryOptions {
  /**
   * Whether a recorded `send` of several messages is handed to the client message by message, which
   * is what the client makes of it anyway: order, batching and errors stay, and spans learn each
   * record's own partition and offset. Without it they learn the partition only, and only when all
   * records went to one.
   * @default true
   */
  readonly splitSends?: boolean
}

/** A `KafkaJS.Kafka`. */
export interface ConfluentKafka {
  producer(config?: never): object
  consumer(config: never): object
}

/** The part of the module that is read here. */
export interface ConfluentModule {
  readonly KafkaJS: { readonly Kafka: { readonly prototype: ConfluentKafka } }
}

/**
 * Traces the KafkaJS API of `@confluentinc/kafka-javascript` in place. With a `Kafka` instance:
 * every producer and consumer that it creates from now on. With the module or `{ KafkaJS }`: those
 * of every instance. For the other API see `traceRdkafka`.
 * Metrics of connections, requests, rebalances and lag need `statistics.interval.ms`.
 * @returns `target`
 */
export function traceConfluent<T extends ConfluentKafka | ConfluentModule>(
  target: T,
  options?: ConfluentOptions | KafkaTelemetry,
): T {
  const factory: object = 'KafkaJS' in target ? target.KafkaJS.Kafka.prototype : target
  const { clients } = getClientRegistry()
  if (clients.has(factory) || clients.has(Object.getPrototypeOf(factory) as object)) {
    warnOnce('traceConfluent was called twice for the same Kafka; the second call does nothing')
    return target
  }
  if (!Object.isExtensible(factory)) {
    warnOnce('this Kafka instance is frozen or sealed, so it cannot be traced')
    return target
  }
  clients.add(factory)
  const instrumentation = toInstrumentation(options)
  const splitSends = options === undefined || !('splitSends' in options) || options.splitSends !== false
  traceFactory(factory as KafkaJS.Kafka, instrumentation, splitSends)
  return target
}

/** `factory` is an instance or the prototype of all, so its methods use `this`. */
function traceFactory(factory: KafkaJS.Kafka, instrumentation: Instrumentation, splitSends: boolean): void {
  const clientId = instrumentation.getTracing()?.options.clientId
  const { producer: makeProducer, consumer: makeConsumer } = factory
  replaceMethod(factory, 'producer', function (this: KafkaJS.Kafka, config?: KafkaJS.ProducerConstructorConfig) {
    const producer = makeProducer.call(this, config)
    safely("trace one of Confluent's producers", () => {
      const settings = createClientSettings(producer, config, clientId)
      traceConfluentProducer(producer, instrumentation, settings, splitSends)
      observeOnConnect(producer, instrumentation, settings)
    })
    return producer
  })
  replaceMethod(factory, 'consumer', function (this: KafkaJS.Kafka, config: KafkaJS.ConsumerConstructorConfig) {
    const consumer = makeConsumer.call(this, config)
    safely("trace one of Confluent's consumers", () => {
      const settings = createClientSettings(consumer, config, clientId)
      traceConfluentConsumer(consumer, instrumentation, settings)
      observeOnConnect(consumer, instrumentation, settings)
    })
    return consumer
  })
}

/** Reads metrics and events of the rdkafka client that `connect` creates. */
function observeOnConnect(
  client: KafkaJS.Producer | KafkaJS.Consumer,
  instrumentation: Instrumentation,
  settings: ClientSettings,
): void {
  const connect = client.connect.bind(client)
  replaceMethod(client, 'connect', () => {
    const connected = connect()
    safely("measure one of Confluent's clients", () => {
      const internal = getInternalClient(client)
      if (internal === undefined) return
      settings.cluster.watch(internal)
      measureStatistics(internal, instrumentation, settings)
      emitRdkafkaEvents(internal, instrumentation, settings)
    })
    return connected
  })
}
