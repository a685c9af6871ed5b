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
 * Traces one client of `node-rdkafka`, or of the API of the same shape in
 * `@confluentinc/kafka-javascript`, in place: a `Producer`, `HighLevelProducer` or `KafkaConsumer`,
 * or a stream made by `createWriteStream` or `createReadStream`. Trace a client before it is used.
 *
 * A `Producer` tells where a record went by delivery report only: with `dr_cb` or `dr_msg_cb` in
 * its configuration Send spans end at the report, without them when the record is queued. Messages
 * are handed over by event or callback, which say nothing of when they are done with: consuming
 * makes receive spans, and `processMessage(message, fn)` a process span.
 *
 * Metrics of connections, requests, rebalances and lag come from statistics: configure
 * `statistics.interval.ms` to have them.
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

/** The client itself, or that of a stream. */
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
