import { SpanKind, context, trace } from '@opentelemetry/api'
import type { Attributes, Context, Span } from '@opentelemetry/api'
import { reportFailure } from './diagnostics.ts'
import { runUntraced } from './process.ts'
import { runInSpan } from './span/run-in-span.ts'
import { isTraced, offsetNumber, partitionId, putPlace, spanName } from './source.ts'
import type { MessageSource } from './source.ts'
import type { Tracing } from './span/tracing.ts'

/** What is settled: committed, or acknowledged in a share group. */
export interface Settlement extends MessageSource {
  /** Low-cardinality name of the operation. @default 'commit' */
  readonly operationName?: string
  /** The offset, when one message is settled. */
  readonly offset?: string | number | bigint
  /** How many messages are settled, where the operation is one on batches. */
  readonly messageCount?: number
}

/**
 * Runs `fn`, which settles messages, in a settle span (`commit T`, CLIENT): a child of the ambient
 * span, a process span's for one.
 */
export function settleMessages<R>(
  tracing: Tracing,
  settlement: Settlement,
  fn: (span: Span) => R,
  ambient: Context = context.active(),
): R {
  const { topic, operationName = 'commit' } = settlement
  if (!isTraced(topic, tracing.options)) return runUntraced(fn, ambient)
  let span: Span
  try {
    span = tracing.start(
      spanName(operationName, topic),
      { kind: SpanKind.CLIENT, attributes: settleAttributes(tracing, settlement, operationName) },
      ambient,
    )
    if (span.isRecording()) tracing.decorate(span, ambient, 'settle', topic, [])
  } catch (error) {
    reportFailure('start a settle span', error)
    return runUntraced(fn, ambient)
  }
  const instruments = tracing.metrics.instruments()
  const timed = instruments && tracing.metrics.settled(instruments, settlement, operationName)
  return runInSpan(tracing, span, trace.setSpan(ambient, span), fn, timed)
}

function settleAttributes({ names, options }: Tracing, settlement: Settlement, operationName: string): Attributes {
  const attributes: Attributes = {}
  names.put(attributes, 'system', 'kafka')
  names.put(attributes, 'operationName', operationName)
  names.put(attributes, 'operationType', 'settle')
  names.put(attributes, 'destination', settlement.topic)
  names.put(attributes, 'partition', partitionId(settlement.partition))
  names.put(attributes, 'consumerGroup', settlement.groupId)
  names.put(attributes, 'clientId', settlement.clientId ?? options.clientId)
  putPlace(names, attributes, settlement)
  names.put(attributes, 'offset', offsetNumber(settlement.offset))
  names.put(attributes, 'messageCount', settlement.messageCount)
  return attributes
}
