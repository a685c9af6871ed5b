import { warnOnce } from '../core/diagnostics.ts'
import type { KafkaTelemetryOptions } from '../options.ts'
import { toInstrumentation } from '../core/instrumentation.ts'
import type { KafkaTelemetry } from '../core/telemetry.ts'
import { watchClients } from './clients.ts'
import { watchDeliveries } from './receive.ts'
import { createProcessing } from './process.ts'
import type { PlatformaticProcessing } from './process.ts'
import { watchSends } from './send.ts'
import { watchSettlements } from './settle.ts'
import { watchProducerStreams } from './producer-streams.ts'
import { getClientRegistry } from '../core/clients/client-registry.ts'

/**
 * Traces messages of `@platformatic/kafka` that the application handles, which the client can't
 * know of.
 */
export interface PlatformaticTracing {
  /**
   * Runs `fn` in a process span of `message`, which ends with it and records what it throws. In a
   * loop of `iterate` it makes the span active that the message already has.
   */
  process: PlatformaticProcessing['process']
  /**
   * Runs `fn` in a receive span and a process span of messages that were collected from a stream.
   */
  processBatch: PlatformaticProcessing['processBatch']
  /**
   * The messages of a stream, each with a process span from the step that hands it out to the next.
   * The span is not active in the loop's body, as a plain `for await` gives nobody a place to make
   * it so: use `process(message, fn)` there for what should be below it, and for its errors.
   */
  iterate: PlatformaticProcessing['iterate']
  /** Stops tracing. Operations under way still end their spans. */
  disable(): void
}

/**
 * Traces `@platformatic/kafka`, all clients of the process, whenever they were made: producers,
 * their streams and transactions, consumers and their commits. It subscribes to the client's
 * diagnostics channels; nothing is patched, and the client isn't even loaded.
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
