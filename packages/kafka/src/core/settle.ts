import { SpanKind, context, trace, type Attributes, type Context, type Span } from '@opentelemetry/api'
import { reportFailure } from './diagnostics.ts'
import { runUntraced } from './process.ts'
import { runInSpan } from './span/run-in-span.ts'
import { isTraced, parseOffset, formatPartition, setServerAttributes, formatSpanName } from './source.ts'
import type { Tracing } from './span/tracing.ts'
import type { Settlement } from './telemetry.ts'

/**
 * Runs `fn`, which settles messages, in a settle span (`commit T`, CLIENT): a child of the ambient
 * span, such as a process span.
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
    span = tracing.startSpan(
      formatSpanName(operationName, topic),
      { kind: SpanKind.CLIENT, attributes: createSettleAttributes(tracing, settlement, operationName) },
      ambient,
    )
    if (span.isRecording()) tracing.addCustomAttributes(span, ambient, 'settle', topic, [])
  } catch (error) {
    reportFailure('start a settle span', error)
    return runUntraced(fn, ambient)
  }
  const instruments = tracing.metrics.getInstruments()
  const recorder = instruments && tracing.metrics.getSettleDuration(instruments, settlement, operationName)
  return runInSpan(tracing, span, trace.setSpan(ambient, span), fn, recorder)
}

function createSettleAttributes(
  { names, options }: Tracing,
  settlement: Settlement,
  operationName: string,
): Attributes {
  const attributes: Attributes = {}
  names.put(attributes, 'system', 'kafka')
  names.put(attributes, 'operationName', operationName)
  names.put(attributes, 'operationType', 'settle')
  names.put(attributes, 'destination', settlement.topic)
  names.put(attributes, 'partition', formatPartition(settlement.partition))
  names.put(attributes, 'consumerGroup', settlement.groupId)
  names.put(attributes, 'clientId', settlement.clientId ?? options.clientId)
  setServerAttributes(names, attributes, settlement)
  names.put(attributes, 'offset', parseOffset(settlement.offset))
  names.put(attributes, 'messageCount', settlement.messageCount)
  return attributes
}
