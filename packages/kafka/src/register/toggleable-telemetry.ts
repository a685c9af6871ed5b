import { INVALID_SPAN_CONTEXT, context, trace } from '@opentelemetry/api'
import type { Span } from '@opentelemetry/api'
import { eventOptions, exposeEvents } from '../events/events.ts'
import { exposeMetricsOf } from '../metrics/client-metrics.ts'
import type { KafkaTelemetryOptions } from '../options.ts'
import type { Delivery, KafkaTelemetry } from '../core/telemetry.ts'
import { createKafkaTelemetry } from '../core/telemetry.ts'

/**
 * Telemetry whose providers come later than it, and which can be switched off under clients that
 * have it.
 */
export interface SwitchedTelemetry {
  readonly telemetry: KafkaTelemetry
  enable(isEnabled: boolean): void
  /** Takes the options again, with `providers` on top, from the next operation on. */
  use(providers: Providers): void
}

type Providers = Pick<KafkaTelemetryOptions, 'loggerProvider' | 'meterProvider' | 'tracerProvider'>

export function switchedTelemetry(options: () => KafkaTelemetryOptions): SwitchedTelemetry {
  let isEnabled = true
  let made: KafkaTelemetry | undefined
  let providers: Providers = {}
  const current = (): KafkaTelemetry | undefined =>
    isEnabled ? (made ??= createKafkaTelemetry({ ...options(), ...providers })) : undefined
  const untraced = <R>(fn: (span: Span) => R, ambient = context.active()): R =>
    context.with(ambient, fn, undefined, trace.wrapSpanContext(INVALID_SPAN_CONTEXT))

  const telemetry: KafkaTelemetry = {
    send(operation, call, places) {
      const telemetry = current()
      return telemetry ? telemetry.send(operation, call, places) : call(operation.messages)
    },
    startSend(operation) {
      const { messages } = operation
      const nothing = {
        messages,
        within: context.active(),
        isRecording: false,
        isObserved: false,
        succeed() {},
        fail() {},
      }
      return current()?.startSend(operation) ?? nothing
    },
    process(message, fn, delivery) {
      const telemetry = current()
      return telemetry ? telemetry.process(message, fn, delivery) : untraced(fn, delivery?.ambient)
    },
    batch(messages, fn, delivery) {
      const telemetry = current()
      return telemetry ? telemetry.batch(messages, fn, delivery) : untraced(fn, delivery?.ambient)
    },
    receive: (messages, delivery: Delivery | undefined) =>
      current()?.receive(messages, delivery) ?? delivery?.ambient ?? context.active(),
    settle(settlement, fn) {
      const telemetry = current()
      return telemetry ? telemetry.settle(settlement, fn) : untraced(fn)
    },
  }
  exposeMetricsOf(telemetry, current)
  exposeEvents(telemetry, () => eventOptions(current()))
  return {
    telemetry,
    enable: (value) => void (isEnabled = value),
    use(more) {
      providers = { ...providers, ...more }
      made = undefined
    },
  }
}
