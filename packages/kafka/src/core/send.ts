import { INVALID_TRACEID, SpanKind, context, trace } from '@opentelemetry/api'
import type { Attributes, Context, Link, Span, SpanContext } from '@opentelemetry/api'
import { reportFailure } from './diagnostics.ts'
import { formatKey } from './propagation/message-key.ts'
import type { SendMeasurement, ProducerMetrics } from '../metrics/metrics.ts'
import { getByteLength } from '../metrics/message-values.ts'
import { getHeaderActions, writeHeaders, writeSharedHeaders } from './propagation/outgoing-headers.ts'
import type { OutgoingTopic } from './propagation/outgoing-topic.ts'
import { observe } from './span/run-in-span.ts'
import { getClusterId, findCommonLeader, describeSend } from './span/describe-send.ts'
import { isTombstone, isTraced, formatPartition, setServerAttributes } from './source.ts'
import type { Tracing } from './span/tracing.ts'
import type { OutgoingMessage, RecordMetadata, SendOperation, StartedSend } from './telemetry.ts'

/** Calls `call` with the messages to send, in a Send span; `readRecords` reads its result. */
export function sendMessages<M, R>(
  tracing: Tracing,
  operation: SendOperation<M>,
  call: (messages: readonly M[]) => R,
  readRecords?: (result: Awaited<R>) => readonly (RecordMetadata | undefined)[],
): R {
  const started = startSend(tracing, operation)
  return observe(
    () => context.with(started.context, call, undefined, started.messages),
    (result) =>
      started.succeed(readRecords && started.isObserved ? readMetadataSafely(readRecords, result) : undefined),
    (error) => started.fail(error),
  )
}

/**
 * Starts the spans of a send and puts their contexts into copies of the messages.
 *
 * | messages        | spans                       | kind             | context in the messages |
 * |-----------------|-----------------------------|------------------|-------------------------|
 * | 1               | `send T`                    | PRODUCER         | the Send span's         |
 * | N, `perMessage` | `send T` and N × `create T` | CLIENT, PRODUCER | the Create span's       |
 * | N, `perCall`    | `send T`                    | PRODUCER         | the Send span's         |
 *
 * A message that brings a creation context of its own (outbox) keeps it, has no Create span, and
 * the Send span links to it. A context that was consumed in this process is no creation context but
 * a forward's leftover, and is replaced. Never throws.
 */
export function startSend<M>(tracing: Tracing, operation: SendOperation<M>): StartedSend<M> {
  const ambient = context.active()
  if (!isTraced(operation.topic, tracing.options)) return createUntracedSend(operation.messages, ambient)
  try {
    return startTraced(tracing, operation, ambient)
  } catch (error) {
    reportFailure('start a send span', error)
    return createUntracedSend(operation.messages, ambient)
  }
}

function startTraced<M>(tracing: Tracing, operation: SendOperation<M>, ambient: Context): StartedSend<M> {
  const { topic, messages, format } = operation
  const prepared = tracing.getOutgoingTopic(
    topic,
    operation.clientId,
    getClusterId(operation),
    operation.getLeader?.(undefined),
  )
  const single = messages.length === 1 ? format.read(messages[0]!) : undefined
  const actions = getHeaderActions(tracing, operation)
  const createsSpans = single === undefined && tracing.options.sendSpans === 'perMessage'
  const isCreationContext = !createsSpans && (actions === undefined || actions.keptContexts.length < messages.length)
  const span = tracing.startSpan(
    prepared.sendName,
    {
      kind: isCreationContext ? SpanKind.PRODUCER : SpanKind.CLIENT,
      attributes: addPartition(tracing, operation, prepared.sendAttributes, single),
      links: actions?.keptContexts.map((keptContext): Link => ({ context: keptContext })),
    },
    ambient,
  )
  // Without an SDK the active context is propagated as it is.
  const within = span.spanContext().traceId === INVALID_TRACEID ? ambient : trace.setSpan(ambient, span)
  const isRecording = span.isRecording()
  const created: SpanContext[] | undefined = createsSpans && isRecording ? [] : undefined
  let withContext: readonly M[]
  try {
    if (isRecording) {
      if (single === undefined) tracing.names.set(span, 'messageCount', messages.length)
      else describeMessage(tracing, span, topic, single)
      tracing.addCustomAttributes(span, within, 'send', topic, messages)
    }
    if (created !== undefined) {
      withContext = writeHeaders(operation, actions, (message, i) => {
        const own = startCreateSpan(tracing, operation, prepared, message, within)
        created[i] = own.spanContext
        return tracing.propagation.inject(own.context)
      })
    } else withContext = writeSharedHeaders(operation, actions, tracing.propagation, within)
  } catch (error) {
    tracing.endSpan(span)
    throw error
  }
  return new TracedSend(tracing, operation, withContext, within, span, isRecording, created)
}

/** A class instead of closures: one allocation per send. */
class TracedSend<M> implements StartedSend<M> {
  readonly messages: readonly M[]
  readonly context: Context
  readonly isRecording: boolean
  readonly isObserved: boolean
  readonly #tracing: Tracing
  readonly #operation: SendOperation<M>
  readonly #span: Span
  readonly #created: readonly (SpanContext | undefined)[] | undefined
  readonly #measured: MeasuredSend | undefined

  constructor(
    tracing: Tracing,
    operation: SendOperation<M>,
    messages: readonly M[],
    within: Context,
    span: Span,
    isRecording: boolean,
    created: readonly (SpanContext | undefined)[] | undefined,
  ) {
    this.messages = messages
    this.context = within
    this.isRecording = isRecording
    this.#tracing = tracing
    this.#operation = operation
    this.#span = span
    this.#created = created
    this.#measured = startMetrics(tracing, operation)
    this.isObserved = isRecording || this.#measured !== undefined
  }

  succeed(records: readonly (RecordMetadata | undefined)[] = NO_RECORDS, partitions?: readonly number[]): void {
    const server = this.isObserved ? findCommonLeader(this.#operation, records, partitions) : undefined
    this.#measured?.producer.endSend(this.#measured, this.context, server)
    if (this.isRecording) describeSend(this.#tracing, this.#operation, this.#span, this.#created, records, server)
    this.#tracing.endSpan(this.#span)
  }

  fail(error: unknown): void {
    const server = this.isObserved ? findCommonLeader(this.#operation, NO_RECORDS) : undefined
    this.#measured?.producer.endSend(this.#measured, this.context, server, error ?? null)
    if (this.isRecording) describeSend(this.#tracing, this.#operation, this.#span, this.#created, NO_RECORDS, server)
    this.#tracing.failSpan(this.#span, error)
  }
}

const NO_RECORDS: readonly RecordMetadata[] = []

export function createUntracedSend<M>(messages: readonly M[], ambient: Context): StartedSend<M> {
  return { messages, context: ambient, isRecording: false, isObserved: false, succeed() {}, fail() {} }
}

function startCreateSpan<M>(
  tracing: Tracing,
  operation: SendOperation<M>,
  prepared: OutgoingTopic,
  message: M,
  within: Context,
) {
  const read = operation.format.read(message)
  // A child of the Send span (OTEP 220 allows either), so that it is found beyond the link limit.
  const span = tracing.startSpan(
    prepared.createName,
    { kind: SpanKind.PRODUCER, attributes: addPartition(tracing, operation, prepared.createAttributes, read) },
    within,
  )
  const own = trace.setSpan(within, span)
  if (span.isRecording()) {
    describeMessage(tracing, span, operation.topic, read)
    tracing.addCustomAttributes(span, own, 'create', operation.topic, [message])
  }
  // A Create span times the creation; the Send span has the result of the send.
  tracing.endSpan(span)
  return { context: own, spanContext: span.spanContext() }
}

/** Adds a partition chosen by the application, so that samplers see it. */
function addPartition<M>(
  { names }: Tracing,
  { getLeader }: SendOperation<M>,
  common: Attributes,
  single: OutgoingMessage | undefined,
): Attributes {
  const chosen = single?.partition ?? undefined
  const partition = formatPartition(chosen)
  if (partition === undefined) return common
  const attributes = { ...common }
  names.put(attributes, 'partition', partition)
  setServerAttributes(names, attributes, { server: getLeader?.(chosen) })
  return attributes
}

function describeMessage(
  { names, options }: Tracing,
  span: Span,
  topic: string,
  { key, value }: OutgoingMessage,
): void {
  names.set(span, 'key', formatKey(key, topic, options.messageKey))
  if (isTombstone(key, value)) names.set(span, 'tombstone', true)
}

function readMetadataSafely<R>(readRecords: (result: R) => readonly (RecordMetadata | undefined)[], result: R) {
  try {
    return readRecords(result)
  } catch (error) {
    reportFailure('read partitions and offsets of sent records', error)
    return undefined
  }
}

interface MeasuredSend extends SendMeasurement {
  readonly producer: ProducerMetrics
}

/** Counts a started send; undefined if no metrics are collected. */
function startMetrics<M>(
  { metrics }: Tracing,
  { topic, messages, format }: SendOperation<M>,
): MeasuredSend | undefined {
  const instruments = metrics.getInstruments()
  if (instruments === undefined) return undefined
  try {
    let sizeBytes = 0
    for (const message of messages) {
      const { key, value } = format.read(message)
      sizeBytes += getByteLength(key) + getByteLength(value)
    }
    const producer = metrics.getProducer(instruments, topic)
    producer.startSend(messages.length)
    return { producer, startedAt: performance.now(), messageCount: messages.length, sizeBytes }
  } catch (error) {
    reportFailure('count a send', error)
    return undefined
  }
}
