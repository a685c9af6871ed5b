import { context, INVALID_SPAN_CONTEXT, trace, type Span } from '@opentelemetry/api'
import { getMessageOrigin } from './propagation/message-origin.ts'
import { warnOnce } from './diagnostics.ts'
import type { ReceivedMessage } from './source.ts'

/**
 * Runs `fn` in a process span of one message that a traced consumer delivered in a batch: with its
 * own timing, its own context and its own baggage. The result, or the error, is `fn`'s.
 *
 *     eachBatch: async ({ batch }) => {
 *       for (const message of batch.messages) await processMessage(message, () => ship(message))
 *     }
 *
 * A message not delivered by a traced consumer is processed without a span. So is a copy, unless it
 * still holds the `batchContext` that kafkajs puts on messages of a batch, as `{ ...message }`
 * does.
 */
export function processMessage<R>(message: ReceivedMessage, fn: (span: Span) => R): R {
  const delivery = getMessageOrigin(message)
  if (delivery !== undefined) return delivery.telemetry.process(message, fn, { source: delivery.source })
  warnOnce(
    'processMessage() ran the handler without a span: the message was not delivered by a traced consumer, or was copied',
  )
  return fn(trace.getSpan(context.active()) ?? trace.wrapSpanContext(INVALID_SPAN_CONTEXT))
}
