import type { KafkaTelemetry } from './telemetry.ts'
import type { MessageSource } from './source.ts'

// Batch handlers get messages that don't say where they come from (kafkajs: no topic, no partition), and hand them on to code that
// knows neither the consumer nor its telemetry.

export interface DeliveredMessage {
  readonly telemetry: KafkaTelemetry
  readonly source: MessageSource
}

/** Remembers that `message` was delivered from `source`, for as long as someone holds it. */
export function rememberDelivery(message: object, telemetry: KafkaTelemetry, source: MessageSource): void {
  telemetries.set(source, telemetry)
  sources.set(message, source)
}

export function rememberDeliveries(
  messages: readonly object[],
  telemetry: KafkaTelemetry,
  source: MessageSource,
): void {
  telemetries.set(source, telemetry)
  for (const message of messages) sources.set(message, source)
}

export function deliveryOf(message: object): DeliveredMessage | undefined {
  const source = sources.get(message)
  const telemetry = source && telemetries.get(source)
  return telemetry && { telemetry, source }
}

const sources = new WeakMap<object, MessageSource>()
const telemetries = new WeakMap<MessageSource, KafkaTelemetry>()
