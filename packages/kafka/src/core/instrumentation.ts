import { context } from '@opentelemetry/api'
import { resolveOptions, type KafkaTelemetryOptions } from '../options.ts'
import { processBatch, receiveBatch } from './batch.ts'
import { runInProcessSpan } from './process.ts'
import { getCommonSource, getMessageOrigin, setMessageOrigins } from './propagation/message-origin.ts'
import { sendMessages, startSend } from './send.ts'
import { settleMessages } from './settle.ts'
import { prepareSource, type MessageSource, type PreparedSource, type ReceivedMessage } from './source.ts'
import { createTracing, type Tracing } from './span/tracing.ts'
import type { Delivery, KafkaTelemetry } from './telemetry.ts'

/** What adapters work with; `KafkaTelemetry` is the part of it that applications see. */
export interface Instrumentation extends KafkaTelemetry {
  /** Spans, metrics and options; undefined while telemetry is disabled. */
  getTracing(): Tracing | undefined
}

export function createKafkaTelemetry(options?: KafkaTelemetryOptions): KafkaTelemetry {
  return createFacade(createInstrumentation(options))
}

/** Hides all but the operations of `instrumentation`; `toInstrumentation` finds it again. */
export function createFacade(instrumentation: Instrumentation): KafkaTelemetry {
  const { send, startSend, process, processBatch, receive, settle } = instrumentation
  const telemetry = Object.freeze({ send, startSend, process, processBatch, receive, settle })
  instrumentations.set(telemetry, instrumentation)
  return telemetry
}

// Keyed by the public object, as applications pass it from one trace function to another.
const instrumentations = new WeakMap<KafkaTelemetry, Instrumentation>()

/** Accepts the second argument of the public `trace…` functions. */
export function toInstrumentation(options: KafkaTelemetryOptions | KafkaTelemetry | undefined): Instrumentation {
  if (options === undefined || !('startSend' in options)) return createInstrumentation(options)
  // A telemetry that the application made itself has operations only.
  return instrumentations.get(options) ?? { ...options, getTracing: () => undefined }
}

export function createInstrumentation(options?: KafkaTelemetryOptions): Instrumentation {
  const tracing = createTracing(resolveOptions(options))
  const prepared = new WeakMap<MessageSource, PreparedSource>()
  const prepare = (source: MessageSource): PreparedSource => {
    let known = prepared.get(source)
    if (known === undefined) {
      known = prepareSource(source, tracing.names, tracing.options)
      prepared.set(source, known)
    }
    return known
  }
  const prepareBatch = (messages: readonly ReceivedMessage[], delivery: Delivery | undefined): PreparedSource => {
    const source = delivery?.source
    if (source) setMessageOrigins(messages, instrumentation, source)
    return prepare(source ?? getCommonSource(messages))
  }
  const instrumentation: Instrumentation = {
    send: (operation, call, readRecords) => sendMessages(tracing, operation, call, readRecords),
    startSend: (operation) => startSend(tracing, operation),
    process(message, fn, delivery) {
      const source = prepare(delivery?.source ?? getMessageOrigin(message)?.source ?? message)
      return runInProcessSpan(tracing, source, message, fn, delivery?.context)
    },
    processBatch: (messages, fn, delivery) =>
      processBatch(tracing, prepareBatch(messages, delivery), messages, fn, delivery?.context),
    receive(messages, delivery) {
      const { startTime, error, context: ambient = context.active() } = delivery ?? {}
      return receiveBatch(tracing, prepareBatch(messages, delivery), messages, { ambient, startTime, error })
    },
    settle: (settlement, fn) => settleMessages(tracing, settlement, fn),
    getTracing: () => tracing,
  }
  return instrumentation
}
