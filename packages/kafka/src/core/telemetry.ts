import type { Context, Span } from '@opentelemetry/api'
import { context } from '@opentelemetry/api'
import { processBatch, receiveBatch } from './batch.ts'
import { commonSource, deliveryOf, rememberDeliveries } from './propagation/message-origin.ts'
import { exposeEvents } from '../events/events.ts'
import { exposeMetrics } from '../metrics/client-metrics.ts'
import { resolveOptions } from '../options.ts'
import type { KafkaTelemetryOptions } from '../options.ts'
import { processMessage } from './process.ts'
import { sendMessages, startSend } from './send.ts'
import type { RecordPlace, SendOperation, StartedSend } from './send.ts'
import { settleMessages } from './settle.ts'
import type { Settlement } from './settle.ts'
import { prepareSource } from './source.ts'
import type { MessageSource, PreparedSource, ReceivedMessage } from './source.ts'
import { createTracing } from './span/tracing.ts'

/** Where and in what context messages were delivered. */
export interface Delivery {
  /**
   * Keep one object per partition: what its spans have in common is computed once for each.
   * @default the traced client's own for messages it delivered, else the message's topic and
   *   partition; of a batch, what its messages agree on
   */
  readonly source?: MessageSource
  /** @default the active context */
  readonly ambient?: Context
  /**
   * Milliseconds since the epoch at which the application asked for the batch; receive spans only.
   * @default now
   */
  readonly startTime?: number
  /**
   * Why the poll failed; receive spans only, which then are made without messages, too. @default
   * none
   */
  readonly error?: unknown
}

/**
 * Tracing of Kafka operations for any client. Nothing here throws for reasons of its own, changes
 * what it is given, or opens a connection: results and errors are those of the functions passed in.
 */
export interface KafkaTelemetry {
  /**
   * Calls `call` with the messages to send, in a Send span. `places` tells where the records ended
   * up.
   */
  send<M, R>(
    operation: SendOperation<M>,
    call: (messages: readonly M[]) => R,
    places?: (result: Awaited<R>) => readonly (RecordPlace | undefined)[],
  ): R
  /** The same in two steps, for clients that answer by event or callback. */
  startSend<M>(operation: SendOperation<M>): StartedSend<M>
  /** Runs `fn` in a process span of `message`, which ends with it and records what it throws. */
  process<R>(message: ReceivedMessage, fn: (span: Span) => R, delivery?: Delivery): R
  /** Runs `fn` in a receive span and a process span of a batch of messages. */
  batch<R>(messages: readonly ReceivedMessage[], fn: (span: Span) => R, delivery?: Delivery): R
  /**
   * Makes the receive span of messages that were polled, and returns the context to process them
   * in.
   */
  receive(messages: readonly ReceivedMessage[], delivery?: Delivery): Context
  /** Runs `fn`, which commits or acknowledges, in a settle span. */
  settle<R>(settlement: Settlement, fn: (span: Span) => R): R
}

export function createKafkaTelemetry(options?: KafkaTelemetryOptions): KafkaTelemetry {
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
  const sourceOf = (message: ReceivedMessage, delivery: Delivery | undefined): PreparedSource =>
    prepare(delivery?.source ?? deliveryOf(message)?.source ?? message)
  const sourceOfAll = (messages: readonly ReceivedMessage[], delivery: Delivery | undefined): PreparedSource =>
    prepare(delivery?.source ?? commonSource(messages))

  const telemetry: KafkaTelemetry = {
    send: (operation, call, places) => sendMessages(tracing, operation, call, places),
    startSend: (operation) => startSend(tracing, operation),
    process: (message, fn, delivery) =>
      processMessage(tracing, sourceOf(message, delivery), message, fn, delivery?.ambient),
    batch(messages, fn, delivery) {
      const source = delivery?.source
      if (source) rememberDeliveries(messages, telemetry, source)
      return processBatch(tracing, sourceOfAll(messages, delivery), messages, fn, delivery?.ambient)
    },
    receive(messages, delivery) {
      const source = delivery?.source
      if (source) rememberDeliveries(messages, telemetry, source)
      const ambient = delivery?.ambient ?? context.active()
      return receiveBatch(tracing, sourceOfAll(messages, delivery), messages, { ...delivery, ambient })
    },
    settle: (settlement, fn) => settleMessages(tracing, settlement, fn),
  }
  exposeMetrics(telemetry, tracing.metrics, tracing.options.metrics)
  exposeEvents(telemetry, () => tracing.options)
  return Object.freeze(telemetry)
}
