import {
  INVALID_SPAN_CONTEXT,
  INVALID_TRACEID,
  SpanKind,
  context,
  isSpanContextValid,
  propagation,
  trace,
} from '@opentelemetry/api'
import type { Context, Link, Span } from '@opentelemetry/api'
import { mergeBaggage } from './propagation/baggage.ts'
import { addConsumedContext } from './propagation/consumed-contexts.ts'
import { safely, reportFailure } from './diagnostics.ts'
import { getCreationContext } from './propagation/header-propagation.ts'
import type { ConsumerMetrics } from '../metrics/metrics.ts'
import { readMessageDetails, createLinkAttributes, type MessageDetails } from './links/links.ts'
import { runInSpan } from './span/run-in-span.ts'
import { isTombstone, type PreparedSource, type ReceivedMessage } from './source.ts'
import type { Tracing } from './span/tracing.ts'

/**
 * Runs `fn` in a process span of one message.
 *
 * | correlation | ambient span | parent           | links                     |
 * |-------------|--------------|------------------|---------------------------|
 * | link        | none         | none             | creation context          |
 * | link        | yes          | ambient          | creation context          |
 * | parent      | none         | creation context | creation context          |
 * | parent      | yes          | creation context | creation context, ambient |
 *
 * `fn`'s context is `ambient` with the span, and with the message's baggage over the ambient one.
 */
export function runInProcessSpan<R>(
  tracing: Tracing,
  source: PreparedSource,
  message: ReceivedMessage,
  fn: (span: Span) => R,
  ambient: Context = context.active(),
): R {
  if (!source.isTraced) return runUntraced(fn, ambient)
  let started: StartedProcess
  try {
    started = startProcess(tracing, source, message, ambient)
  } catch (error) {
    reportFailure('start a process span', error)
    return runUntraced(fn, ambient)
  }
  return runInSpan(
    tracing,
    started.span,
    started.within,
    fn,
    countDelivery(tracing, source, message, started.within)?.processDuration,
  )
}

export function runUntraced<R>(fn: (span: Span) => R, ambient: Context = context.active()): R {
  return context.with(ambient, fn, undefined, NO_SPAN)
}

/** Counts the delivery of `messages`; returns the metrics of their source, if any are collected. */
export function countDelivery(
  tracing: Tracing,
  { source }: PreparedSource,
  messages: ReceivedMessage | readonly ReceivedMessage[],
  within: Context,
  by: 'poll' | 'process' = 'process',
): ConsumerMetrics | undefined {
  const instruments = tracing.metrics.getInstruments()
  if (instruments === undefined) return undefined
  let metrics: ConsumerMetrics | undefined
  safely('count delivered messages', () => {
    metrics = tracing.metrics.getConsumer(instruments, source)
    if (Array.isArray(messages)) metrics.countBatch(messages, by, within)
    else metrics.countMessage(messages as ReceivedMessage, within)
  })
  return metrics
}

interface StartedProcess {
  readonly span: Span
  readonly within: Context
}

const NO_SPAN = trace.wrapSpanContext(INVALID_SPAN_CONTEXT)

function startProcess(
  tracing: Tracing,
  source: PreparedSource,
  message: ReceivedMessage,
  ambient: Context,
): StartedProcess {
  const ambientSpan = trace.getSpan(ambient)
  // Extracts without a span in the context: invalid headers must not make the ambient span a
  // creation context.
  const base = ambientSpan === undefined ? ambient : trace.deleteSpan(ambient)
  const extracted = mergeBaggage(tracing.propagation.extract(base, message.headers), propagation.getBaggage(ambient))
  const creation = getCreationContext(extracted)
  const links: Link[] = []
  let details: MessageDetails | undefined
  if (creation !== undefined) {
    addConsumedContext(creation.spanId)
    if (tracing.deferredAttributes.isSupported) links.push({ context: creation })
    else {
      details = readMessageDetails(tracing, source, message)
      links.push({ context: creation, attributes: createLinkAttributes(tracing, source, message, details) })
    }
  }
  const isChildOfCreation = creation !== undefined && source.correlation === 'parent'
  if (isChildOfCreation && ambientSpan !== undefined && isSpanContextValid(ambientSpan.spanContext())) {
    links.push({ context: ambientSpan.spanContext() })
  }
  const span = tracing.startSpan(
    source.processName,
    { kind: SpanKind.CONSUMER, attributes: source.processAttributes, links },
    isChildOfCreation ? extracted : ambient,
  )
  // Without an SDK the message's own context continues to what `fn` sends.
  const isNothing = span.spanContext().traceId === INVALID_TRACEID
  const within = isNothing ? extracted : trace.setSpan(extracted, span)
  if (span.isRecording()) {
    safely('describe a process span', () => {
      const { names } = tracing
      const known = details ?? readMessageDetails(tracing, source, message)
      names.set(span, 'offset', known.offset)
      names.set(span, 'key', known.key)
      if (isTombstone(message.key, message.value)) names.set(span, 'tombstone', true)
      if (creation !== undefined && details === undefined) {
        const whole = { context: creation, attributes: createLinkAttributes(tracing, source, message, known) }
        tracing.deferredAttributes.complete(span, links.length, (i) => (i === 0 ? whole : undefined))
      }
      tracing.addCustomAttributes(span, within, 'process', source.topic, [message])
    })
  }
  return { span, within }
}
