import { ROOT_CONTEXT, SpanKind, context, propagation, trace } from '@opentelemetry/api'
import type { Baggage, Context, Span, SpanContext, SpanOptions } from '@opentelemetry/api'
import { intersectBaggage, mergeBaggage } from './propagation/baggage.ts'
import { addConsumedContext } from './propagation/consumed-contexts.ts'
import { safely, reportFailure } from './diagnostics.ts'
import { getCreationContext } from './propagation/header-propagation.ts'
import { createBatchLinks, type BatchLinks } from './links/links.ts'
import { countDelivery, runUntraced } from './process.ts'
import { runInSpan } from './span/run-in-span.ts'
import type { PreparedSource, ReceivedMessage } from './source.ts'
import type { Tracing } from './span/tracing.ts'

/**
 * Runs `fn` in a process span of a whole batch, which a receive span precedes as its parent:
 *
 *     poll T      CLIENT    a link per message; the root, unless there is an ambient span
 *     ├ poll T    CLIENT    one for each further `linkCountLimit` messages
 *     └ process T CONSUMER  a link per message, at most `linkCountLimit`
 *
 * Without receive spans the process span comes first, and those with the next links are below it:
 *
 *     process T   CONSUMER  a link per message, at most `linkCountLimit`
 *     └ poll T    CLIENT    one for each further `linkCountLimit` messages
 *
 * A batch has several creation contexts, so it is a child of none, also with `'parent'`. The
 * context of `fn` has the baggage entries on which all messages agree.
 */
export function processBatch<R>(
  tracing: Tracing,
  source: PreparedSource,
  messages: readonly ReceivedMessage[],
  fn: (span: Span) => R,
  ambient: Context = context.active(),
): R {
  if (!source.isTraced) return runUntraced(fn, ambient)
  const { receiveSpans } = tracing.options
  let span: Span
  let within: Context
  try {
    const batch = readBatch(tracing, source, messages)
    const parent = receiveSpans ? startReceiveSpans(batch, ambient) : ambient
    const { processName, processAttributes: attributes } = source
    span = startLinkedSpan(batch, processName, { kind: SpanKind.CONSUMER, attributes }, 0, parent)
    if (!receiveSpans) createOverflowSpans(batch, span, trace.setSpan(parent, span))
    within = trace.setSpan(addBatchBaggage(ambient, batch.baggage), span)
    describeBatch(batch, span, within, 'process')
  } catch (error) {
    reportFailure('start the spans of a batch', error)
    return runUntraced(fn, ambient)
  }
  const by = receiveSpans ? 'poll' : 'process'
  return runInSpan(tracing, span, within, fn, countDelivery(tracing, source, messages, within, by)?.processDuration)
}

/**
 * Records the receive span of a polled batch.
 * @returns `ambient` with that span, for the spans that process the batch
 */
export function receiveBatch(
  tracing: Tracing,
  source: PreparedSource,
  messages: readonly ReceivedMessage[],
  {
    ambient,
    startTime,
    error,
  }: { readonly ambient: Context; readonly startTime: number | undefined; readonly error: unknown },
): Context {
  if (!source.isTraced) return ambient
  try {
    const within = startReceiveSpans(readBatch(tracing, source, messages), ambient, startTime, error)
    const metrics = countDelivery(tracing, source, messages, within, 'poll')
    // `startTime` is wall-clock time; durations use the monotonic clock.
    if (startTime !== undefined)
      metrics?.receiveDuration.record(performance.now() - (Date.now() - startTime), within, error)
    return within
  } catch (error) {
    reportFailure('make the receive span of a batch', error)
    return ambient
  }
}

interface Batch {
  readonly tracing: Tracing
  readonly source: PreparedSource
  readonly messages: readonly ReceivedMessage[]
  readonly links: BatchLinks
  readonly baggage: Baggage | undefined
}

function readBatch(tracing: Tracing, source: PreparedSource, messages: readonly ReceivedMessage[]): Batch {
  const contexts: (SpanContext | undefined)[] = []
  // Undefined as soon as one message has no baggage: no entry is common then.
  let baggages: Baggage[] | undefined = []
  for (const message of messages) {
    const extracted = tracing.propagation.extract(ROOT_CONTEXT, message.headers)
    const creation = getCreationContext(extracted)
    if (creation !== undefined) addConsumedContext(creation.spanId)
    contexts.push(creation)
    const baggage = baggages && propagation.getBaggage(extracted)
    if (baggage === undefined) baggages = undefined
    else baggages?.push(baggage)
  }
  return {
    tracing,
    source,
    messages,
    links: createBatchLinks(tracing, source, messages, contexts),
    baggage: baggages && intersectBaggage(baggages),
  }
}

function startReceiveSpans(batch: Batch, ambient: Context, startTime?: number, error?: unknown): Context {
  const { tracing } = batch
  const first = startReceiveSpan(batch, 0, ambient, startTime)
  const within = trace.setSpan(ambient, first)
  describeBatch(batch, first, within, 'receive')
  createOverflowSpans(batch, first, within, startTime)
  if (error === undefined) tracing.endSpan(first)
  else tracing.failSpan(first, error)
  return within
}

/**
 * Creates a receive span below `first` for each further `linkCountLimit` messages, unless `first`
 * is not recorded.
 */
function createOverflowSpans(batch: Batch, first: Span, within: Context, startTime?: number): void {
  const { tracing, links } = batch
  const limit = tracing.options.linkCountLimit
  for (let from = limit; first.isRecording() && from < links.length; from += limit) {
    tracing.endSpan(startReceiveSpan(batch, from, within, startTime))
  }
}

function startReceiveSpan(batch: Batch, from: number, parent: Context, startTime: number | undefined): Span {
  const { receiveName, receiveAttributes: attributes } = batch.source
  return startLinkedSpan(batch, receiveName, { kind: SpanKind.CLIENT, attributes, startTime }, from, parent)
}

/** Starts a span with the links from index `from`, at most `linkCountLimit`. */
function startLinkedSpan(
  { tracing, links }: Batch,
  name: string,
  options: SpanOptions,
  from: number,
  parent: Context,
): Span {
  const limit = tracing.options.linkCountLimit
  const areBare = tracing.deferredAttributes.isSupported
  const span = tracing.startSpan(name, { ...options, links: links.slice(from, limit) }, parent)
  if (areBare && span.isRecording()) links.complete(span, from, limit)
  return span
}

function addBatchBaggage(ambient: Context, baggage: Baggage | undefined): Context {
  if (baggage === undefined) return ambient
  return mergeBaggage(propagation.setBaggage(ambient, baggage), propagation.getBaggage(ambient))
}

function describeBatch(
  { tracing, source, messages }: Batch,
  span: Span,
  within: Context,
  operation: 'process' | 'receive',
): void {
  if (!span.isRecording()) return
  safely('describe the span of a batch', () => {
    tracing.names.set(span, 'messageCount', messages.length)
    tracing.addCustomAttributes(span, within, operation, source.topic, messages)
  })
}
