import { context } from '@opentelemetry/api'
import { createFacade, createInstrumentation, type Instrumentation } from '../core/instrumentation.ts'
import { runUntraced } from '../core/process.ts'
import { createUntracedSend } from '../core/send.ts'
import type { KafkaTelemetry } from '../core/telemetry.ts'
import type { KafkaTelemetryOptions } from '../options.ts'

/** Telemetry that clients keep while it is disabled, enabled again or given other providers. */
export interface ToggleableTelemetry {
  readonly telemetry: KafkaTelemetry
  setEnabled(isEnabled: boolean): void
  /** Reads the options again; `providers` override theirs. Applies from the next operation on. */
  setProviders(providers: Providers): void
}

type Providers = Pick<KafkaTelemetryOptions, 'loggerProvider' | 'meterProvider' | 'tracerProvider'>

export function createToggleableTelemetry(getOptions: () => KafkaTelemetryOptions): ToggleableTelemetry {
  let isEnabled = true
  let current: Instrumentation | undefined
  let providers: Providers = {}
  const getCurrent = (): Instrumentation | undefined =>
    isEnabled ? (current ??= createInstrumentation({ ...getOptions(), ...providers })) : undefined

  const telemetry = createFacade({
    send(operation, call, readRecords) {
      const enabled = getCurrent()
      return enabled ? enabled.send(operation, call, readRecords) : call(operation.messages)
    },
    startSend: (operation) =>
      getCurrent()?.startSend(operation) ?? createUntracedSend(operation.messages, context.active()),
    process(message, fn, delivery) {
      const enabled = getCurrent()
      return enabled ? enabled.process(message, fn, delivery) : runUntraced(fn, delivery?.context)
    },
    processBatch(messages, fn, delivery) {
      const enabled = getCurrent()
      return enabled ? enabled.processBatch(messages, fn, delivery) : runUntraced(fn, delivery?.context)
    },
    receive: (messages, delivery) => getCurrent()?.receive(messages, delivery) ?? delivery?.context ?? context.active(),
    settle(settlement, fn) {
      const enabled = getCurrent()
      return enabled ? enabled.settle(settlement, fn) : runUntraced(fn)
    },
    getTracing: () => getCurrent()?.getTracing(),
  })
  return {
    telemetry,
    setEnabled: (value) => void (isEnabled = value),
    setProviders(more) {
      providers = { ...providers, ...more }
      current = undefined
    },
  }
}
