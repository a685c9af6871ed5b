import { ROOT_CONTEXT, SpanKind, context, propagation, trace } from '@opentelemetry/api'
import type { Attributes, Baggage, Context, Span, SpanContext } from '@opentelemetry/api'
import { agreedBaggage, withBaggageBelow } from './propagation/baggage.ts'
import { rememberConsumed } from './propagation/consumed-contexts.ts'
import { quietly, reportFailure } from './diagnostics.ts'
import { creationContextOf } from './propagation/header-propagation.ts'
import { batchLinks } from './links/links.ts'
import type { BatchLinks } from './links/links.ts'
import { measured, runUntraced } from './process.ts'
import { runInSpan } from './span/run-in-span.ts'
import type { PreparedSource, ReceivedMessage } from './source.ts'
import type { Tracing } from './span/tracing.ts'

/**
 * Runs `fn` in a process span of a whole batch, which a receive span precedes as its parent:
 *
 *     poll T      CLIENT    links to the batch's producers; the root, unless there is an ambient span
 *     ├ poll T    CLIENT    only beyond `linkLimit` messages: the next `linkLimit` of them, and so on
 *     └ process T CONSUMER  a link per message, at most `linkLimit`
 *
 * Without receive spans the process span comes first, and those with the next links are below it:
 *
 *     process T   CONSUMER  a link per message, at most `linkLimit`
 *     └ poll T    CLIENT    only beyond `linkLimit` messages: the next `linkLimit` of them, and so on
 *
 * A batch never becomes a child of a message's creation context, whatever the correlation: it has
 * more than one. `fn`'s context has the baggage entries on which all messages agree.
 */
export function processBatch<R>(
  tracing: Tracing,
  source: PreparedSource,
  messages: readonly ReceivedMessage[],
  fn: (span: Span) => R,
  ambient: Context = context.active(),
): R {
  if (!source.traced) return runUntraced(fn, ambient)
  let span: Span
  let within: Context
  try {
    const batch = readBatch(tracing, source, messages)
    const limit = tracing.options.linkLimit
    const parent = tracing.options.receiveSpans
      ? receiveSpans(tracing, source, messages, batch.links, ambient)
      : ambient
    const areBare = tracing.laterLinks.isPossible
    span = tracing.start(
      source.processName,
      {
        kind: SpanKind.CONSUMER,
        attributes: source.processAttributes,
        links: batch.links.slice(0, limit),
      },
      parent,
    )
    if (areBare && span.isRecording()) batch.links.describe(span, 0, limit)
    if (!tracing.options.receiveSpans) furtherLinks(tracing, source, batch.links, span, trace.setSpan(parent, span))
    within = trace.setSpan(withBatchBaggage(ambient, batch.baggage), span)
    decorateBatch(tracing, source, span, within, messages, 'process')
  } catch (error) {
    reportFailure('start the spans of a batch', error)
    return runUntraced(fn, ambient)
  }
  const by = tracing.options.receiveSpans ? 'poll' : 'process'
  return runInSpan(tracing, span, within, fn, measured(tracing, source, messages, within, by)?.process)
}

/**
 * Makes the receive span of a batch that the application asked for or is handed, and ends it.
 * @returns `ambient` with that span, for the spans that process the batch.
 */
export function receiveBatch(
  tracing: Tracing,
  source: PreparedSource,
  messages: readonly ReceivedMessage[],
  { ambient, startTime, error }: { readonly ambient: Context; readonly startTime?: number; readonly error?: unknown },
): Context {
  if (!source.traced) return ambient
  try {
    const { links } = readBatch(tracing, source, messages)
    const within = receiveSpans(tracing, source, messages, links, ambient, startTime, error)
    const metrics = measured(tracing, source, messages, within, 'poll')
    // `startTime` is of the wall clock, durations are of the monotonic one.
    if (startTime !== undefined) metrics?.receive.done(performance.now() - (Date.now() - startTime), within, error)
    return within
  } catch (error) {
    reportFailure('make the receive span of a batch', error)
    return ambient
  }
}

interface ReadBatch {
  readonly links: BatchLinks
  readonly baggage: Baggage | undefined
}

function readBatch(tracing: Tracing, source: PreparedSource, messages: readonly ReceivedMessage[]): ReadBatch {
  const contexts: (SpanContext | undefined)[] = []
  // Undefined from the first message on that has none: then they agree on nothing.
  let baggages: Baggage[] | undefined = []
  for (const message of messages) {
    const extracted = tracing.propagation.extract(ROOT_CONTEXT, message.headers)
    const creation = creationContextOf(extracted)
    if (creation !== undefined) rememberConsumed(creation.spanId)
    contexts.push(creation)
    const baggage = baggages && propagation.getBaggage(extracted)
    if (baggage === undefined) baggages = undefined
    else baggages?.push(baggage)
  }
  return { links: batchLinks(tracing, source, messages, contexts), baggage: baggages && agreedBaggage(baggages) }
}

function receiveSpans(
  tracing: Tracing,
  source: PreparedSource,
  messages: readonly ReceivedMessage[],
  links: BatchLinks,
  ambient: Context,
  startTime?: number,
  error?: unknown,
): Context {
  const first = startReceive(tracing, source, links, 0, ambient, startTime)
  const within = trace.setSpan(ambient, first)
  decorateBatch(tracing, source, first, within, messages, 'receive')
  furtherLinks(tracing, source, links, first, within, startTime)
  if (error === undefined) tracing.succeed(first)
  else tracing.fail(first, error)
  return within
}

/**
 * Makes a receive span below `first` for each further `linkLimit` messages. Skipped if `first`
 * isn't recording.
 */
function furtherLinks(
  tracing: Tracing,
  source: PreparedSource,
  links: BatchLinks,
  first: Span,
  within: Context,
  startTime?: number,
): void {
  const limit = tracing.options.linkLimit
  for (let from = limit; first.isRecording() && from < links.length; from += limit) {
    tracing.succeed(startReceive(tracing, source, links, from, within, startTime))
  }
}

function startReceive(
  tracing: Tracing,
  source: PreparedSource,
  links: BatchLinks,
  from: number,
  parent: Context,
  startTime: number | undefined,
): Span {
  const limit = tracing.options.linkLimit
  const areBare = tracing.laterLinks.isPossible
  const span = tracing.start(
    source.receiveName,
    { kind: SpanKind.CLIENT, attributes: source.receiveAttributes, startTime, links: links.slice(from, limit) },
    parent,
  )
  if (areBare && span.isRecording()) links.describe(span, from, limit)
  return span
}

function withBatchBaggage(ambient: Context, baggage: Baggage | undefined): Context {
  if (baggage === undefined) return ambient
  return withBaggageBelow(propagation.setBaggage(ambient, baggage), propagation.getBaggage(ambient))
}

function decorateBatch(
  tracing: Tracing,
  source: PreparedSource,
  span: Span,
  within: Context,
  messages: readonly ReceivedMessage[],
  operation: 'process' | 'receive',
): void {
  if (!span.isRecording()) return
  quietly('describe the span of a batch', () => {
    const attributes: Attributes = {}
    tracing.names.put(attributes, 'messageCount', messages.length)
    span.setAttributes(attributes)
    tracing.decorate(span, within, operation, source.topic, messages)
  })
}
