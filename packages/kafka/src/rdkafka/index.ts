import { warnOnce } from '../core/diagnostics.ts'
import type { KafkaTelemetryOptions } from '../options.ts'
import { toInstrumentation } from '../core/instrumentation.ts'
import type { KafkaTelemetry } from '../core/telemetry.ts'
import { readRdkafkaSettings } from './settings.ts'
import { emitRdkafkaEvents } from './client-events.ts'
import { traceRdkafkaConsumer } from './consumer.ts'
import { traceHighLevelProducer } from './high-level-producer.ts'
import { traceRdkafkaProducer } from './producer.ts'
import { measureStatistics } from './measure-statistics.ts'
import type { RdkafkaConsumer, RdkafkaProducer } from './types.ts'
import { getClientRegistry } from '../core/clients/client-registry.ts'

/**
 * Traces one client of `node-rdkafka`, or of the same API in `@confluentinc/kafka-javascript`, in
 * place: a `Producer`, `HighLevelProducer`, `KafkaConsumer` or stream. Call it before the client is
 * used.
 * Send spans end with the delivery report if `dr_cb` or `dr_msg_cb` is configured, else when the
 * record is queued. Consuming creates receive spans; `processMessage(message, fn)` a process span.
 * Metrics of connections, requests, rebalances and lag need `statistics.interval.ms`.
 * @returns `client`
 */
export function traceRdkafka<C extends object>(client: C, options?: KafkaTelemetryOptions | KafkaTelemetry): C {
  const traced = findClient(client)
  if (traced === undefined) {
    warnOnce('traceRdkafka was given neither a Producer nor a KafkaConsumer nor a stream of one; it does nothing')
    return client
  }
  if (getClientRegistry().clients.has(traced)) {
    warnOnce('traceRdkafka was called twice for the same client; the second call does nothing')
    return client
  }
  if (!Object.isExtensible(traced)) {
    warnOnce('this client is frozen or sealed, so it cannot be traced')
    return client
  }
  getClientRegistry().clients.add(traced)
  const instrumentation = toInstrumentation(options)
  const { clientId, receiveSpans = true }: KafkaTelemetryOptions = instrumentation.getTracing()?.options ?? {}
  const settings = readRdkafkaSettings(traced, clientId)
  settings.cluster.watch(traced)
  if (isConsumer(traced)) traceRdkafkaConsumer(traced, instrumentation, settings, receiveSpans)
  else if ('setValueSerializer' in traced) traceHighLevelProducer(traced, instrumentation, settings)
  else traceRdkafkaProducer(traced, instrumentation, settings)
  measureStatistics(traced, instrumentation, settings)
  emitRdkafkaEvents(traced, instrumentation, settings)
  return client
}

/** Returns the client itself, or that of a stream. */
function findClient(candidate: object): RdkafkaProducer | RdkafkaConsumer | undefined {
  if (isProducer(candidate) || isConsumer(candidate)) return candidate
  const { producer, consumer } = candidate as { readonly producer?: unknown; readonly consumer?: unknown }
  return [producer, consumer].find((inner) => isProducer(inner) || isConsumer(inner))
}

function isProducer(value: unknown): value is RdkafkaProducer {
  return hasMethods(value, 'produce', 'emit')
}

function isConsumer(value: unknown): value is RdkafkaConsumer {
  return hasMethods(value, 'consume', 'emit')
}

function hasMethods(value: unknown, ...names: readonly string[]): boolean {
  if (typeof value !== 'object' || value === null) return false
  return names.every((name) => typeof (value as Record<string, unknown>)[name] === 'function')
}
