import { warnOnce } from '../core/diagnostics.ts'
import type { KafkaTelemetryOptions } from '../options.ts'
import { toInstrumentation } from '../core/instrumentation.ts'
import type { KafkaTelemetry } from '../core/telemetry.ts'
import { watchClients } from './clients.ts'
import { watchDeliveries } from './receive.ts'
import { createProcessing, type PlatformaticProcessing } from './process.ts'
import { watchSends } from './send.ts'
import { watchSettlements } from './settle.ts'
import { watchProducerStreams } from './producer-streams.ts'
import { getClientRegistry } from '../core/clients/client-registry.ts'

/** Traces the processing of messages, which the client does not observe. */
export interface PlatformaticTracing {
  /**
   * Runs `fn` in a process span of `message`. In a loop of `iterate`, runs it in the span that the
   * message already has.
   */
  process: PlatformaticProcessing['process']
  /** Runs `fn` in a receive span and a process span of messages collected from a stream. */
  processBatch: PlatformaticProcessing['processBatch']
  /**
   * Iterates a stream; each message has a process span until the next step. The span is not active
   * in the loop's body: call `process(message, fn)` there for children and errors.
   */
  iterate: PlatformaticProcessing['iterate']
  /** Stops tracing; spans of running operations still end. */
  disable(): void
}

/**
 * Traces all clients of `@platformatic/kafka` in the process, also existing ones, by its
 * diagnostics channels. Nothing is patched or loaded.
 */
export function tracePlatformatic(options?: KafkaTelemetryOptions | KafkaTelemetry): PlatformaticTracing {
  const traced = getClientRegistry()
  if (traced.platformatic !== undefined) {
    warnOnce('tracePlatformatic was called twice; the second call does nothing, as the first traces all clients')
    return traced.platformatic as PlatformaticTracing
  }
  const instrumentation = toInstrumentation(options)
  const clientId = instrumentation.getTracing()?.options.clientId
  const { delivering, ...processing } = createProcessing(instrumentation)
  const streams = watchProducerStreams()
  const subscriptions = [
    streams.unsubscribe,
    watchSends(instrumentation, clientId, streams.take),
    watchDeliveries(delivering, clientId),
    watchSettlements(instrumentation, clientId),
    watchClients(instrumentation, clientId),
  ]
  const disable = (): void => {
    subscriptions.forEach((unsubscribe) => unsubscribe())
    if (traced.platformatic === tracing) traced.platformatic = undefined
  }
  const tracing = Object.freeze({ ...processing, disable })
  traced.platformatic = tracing
  return tracing
}
