import { INVALID_TRACEID, SpanKind, context, trace } from '@opentelemetry/api'
import type { Attributes, Context, Link, Span, SpanContext } from '@opentelemetry/api'
import { reportFailure } from './diagnostics.ts'
import type { HeaderEncoding } from './propagation/headers.ts'
import { keyText } from './propagation/message-key.ts'
import type { BegunSend, ProducerMetrics } from '../metrics/metrics.ts'
import { byteLength } from '../metrics/message-values.ts'
import { headerFates, writeHeaders, writeSameHeaders } from './propagation/outgoing-headers.ts'
import type { OutgoingTopic } from './propagation/outgoing-topic.ts'
import { observe } from './span/run-in-span.ts'
import { clusterOf, commonLeader, describePlaces } from './span/describe-send.ts'
import { isTombstone, isTraced, partitionId, putPlace } from './source.ts'
import type { ServerAddress } from './source.ts'
import type { Tracing } from './span/tracing.ts'

/** What the core reads of a message to be sent. */
export interface OutgoingMessage {
  readonly key?: unknown
  readonly value?: unknown
  /** Set when the application chose the partition itself. */
  readonly partition?: number | null | undefined
  readonly headers?: unknown
}

/** How a client's messages are read, and copied with other headers. */
export interface OutgoingFormat<M> {
  read(message: M): OutgoingMessage
  /** A copy of `message` with `headers`; `message` must not be touched. */
  withHeaders(message: M, headers: unknown): M
  readonly encoding?: HeaderEncoding
}

export interface SendOperation<M> {
  readonly topic: string
  readonly messages: readonly M[]
  readonly format: OutgoingFormat<M>
  readonly clientId?: string | undefined
  /** Read when the send ends, too: the first send of a client is what makes it ask for metadata. */
  readonly clusterId?: string | (() => string | undefined) | undefined
  /**
   * The broker that leads a partition; without a partition, the one that leads all of the topic's.
   * Undefined where the client does not know. Called when the send starts and when it ends.
   */
  readonly leaderOf?: ((partition: number | undefined) => ServerAddress | undefined) | undefined
}

/** Where a record ended up. */
export interface RecordPlace {
  readonly partition?: number | undefined
  readonly offset?: string | number | bigint | undefined
}

export interface StartedSend<M> {
  /** The messages to hand to the client: copies with context in their headers. */
  readonly messages: readonly M[]
  /** The context to call the client in. */
  readonly within: Context
  /** Whether the places of records are of use to `succeed`. */
  readonly isRecording: boolean
  /**
   * Whether the partitions of records are of use to `succeed`: spans are recorded, or metrics
   * collected.
   */
  readonly isObserved: boolean
  /**
   * Ends the spans; `places` are in the messages' order, and empty where nothing is known.
   * @param partitions that records were stored in, also where it is unknown which record went
   *   where. @default those of `places`
   */
  succeed(places?: readonly (RecordPlace | undefined)[], partitions?: readonly number[]): void
  fail(error: unknown): void
}

/**
 * Calls `call` with the messages to send, in a Send span. `places` tells from its result where the
 * records ended up.
 */
export function sendMessages<M, R>(
  tracing: Tracing,
  operation: SendOperation<M>,
  call: (messages: readonly M[]) => R,
  places?: (result: Awaited<R>) => readonly (RecordPlace | undefined)[],
): R {
  const started = startSend(tracing, operation)
  return observe(
    () => context.with(started.within, call, undefined, started.messages),
    (result) => started.succeed(places && started.isObserved ? safePlaces(places, result) : undefined),
    (error) => started.fail(error),
  )
}

/**
 * Starts the spans of a send and puts their contexts into copies of the messages.
 *
 * | messages        | spans                          | kind             | carried by the messages    |
 * |-----------------|--------------------------------|------------------|----------------------------|
 * | 1               | `send T`                       | PRODUCER         | the Send span              |
 * | N, `perMessage` | `send T` and N × `create T`    | CLIENT, PRODUCER | the message's Create span  |
 * | N, `perCall`    | `send T`                       | PRODUCER         | the Send span              |
 *
 * A message that brings a creation context of its own (outbox) keeps it, has no Create span, and
 * the Send span links to it. A context that was consumed in this process is no creation context but
 * a forward's leftover, and is replaced. Never throws.
 */
export function startSend<M>(tracing: Tracing, operation: SendOperation<M>): StartedSend<M> {
  const ambient = context.active()
  if (!isTraced(operation.topic, tracing.options)) return untraced(operation, ambient)
  try {
    return start(tracing, operation, ambient)
  } catch (error) {
    reportFailure('start a send span', error)
    return untraced(operation, ambient)
  }
}

function start<M>(tracing: Tracing, operation: SendOperation<M>, ambient: Context): StartedSend<M> {
  const { topic, messages, format } = operation
  const prepared = tracing.outgoing(topic, operation.clientId, clusterOf(operation), operation.leaderOf?.(undefined))
  const single = messages.length === 1 ? format.read(messages[0]!) : undefined
  const fates = headerFates(tracing, operation)
  const createsSpans = single === undefined && tracing.options.sendSpans === 'perMessage'
  const isCreationContext = !createsSpans && (fates === undefined || fates.kept.length < messages.length)
  const span = tracing.start(
    prepared.sendName,
    {
      kind: isCreationContext ? SpanKind.PRODUCER : SpanKind.CLIENT,
      attributes: withPartition(tracing, operation, prepared.sendAttributes, single),
      links: fates?.kept.map((kept): Link => ({ context: kept })),
    },
    ambient,
  )
  // Without an SDK the span is nothing, and what is in the context stays there.
  const within = span.spanContext().traceId === INVALID_TRACEID ? ambient : trace.setSpan(ambient, span)
  const isRecording = span.isRecording()
  const created: SpanContext[] | undefined = createsSpans && isRecording ? [] : undefined
  let withContext: readonly M[]
  try {
    if (isRecording) {
      if (single === undefined) tracing.names.set(span, 'messageCount', messages.length)
      else describeMessage(tracing, span, topic, single)
      tracing.decorate(span, within, 'send', topic, messages)
    }
    if (created !== undefined) {
      withContext = writeHeaders(operation, fates, (message, i) => {
        const own = createSpan(tracing, operation, prepared, message, within)
        created[i] = own.spanContext
        return tracing.propagation.inject(own.context)
      })
    } else withContext = writeSameHeaders(operation, fates, tracing.propagation, within)
  } catch (error) {
    tracing.succeed(span)
    throw error
  }
  return new OpenSend(tracing, operation, withContext, within, span, isRecording, created)
}

/** Fields instead of closures: one object per send. */
class OpenSend<M> implements StartedSend<M> {
  readonly messages: readonly M[]
  readonly within: Context
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
    this.within = within
    this.isRecording = isRecording
    this.#tracing = tracing
    this.#operation = operation
    this.#span = span
    this.#created = created
    this.#measured = measureSend(tracing, operation)
    this.isObserved = isRecording || this.#measured !== undefined
  }

  succeed(places: readonly (RecordPlace | undefined)[] = NO_PLACES, partitions?: readonly number[]): void {
    const server = this.isObserved ? commonLeader(this.#operation, places, partitions) : undefined
    this.#measured?.producer.done(this.#measured, this.within, server)
    if (this.isRecording) describePlaces(this.#tracing, this.#operation, this.#span, this.#created, places, server)
    this.#tracing.succeed(this.#span)
  }

  fail(error: unknown): void {
    const server = this.isObserved ? commonLeader(this.#operation, NO_PLACES) : undefined
    this.#measured?.producer.done(this.#measured, this.within, server, error ?? null)
    if (this.isRecording) describePlaces(this.#tracing, this.#operation, this.#span, this.#created, NO_PLACES, server)
    this.#tracing.fail(this.#span, error)
  }
}

const NO_PLACES: readonly RecordPlace[] = []

function untraced<M>(operation: SendOperation<M>, within: Context): StartedSend<M> {
  return { messages: operation.messages, within, isRecording: false, isObserved: false, succeed() {}, fail() {} }
}

function createSpan<M>(
  tracing: Tracing,
  operation: SendOperation<M>,
  prepared: OutgoingTopic,
  message: M,
  within: Context,
) {
  const read = operation.format.read(message)
  // A child of the Send span (OTEP 220 allows either), so it is found from there also beyond the
  // limit of links.
  const span = tracing.start(
    prepared.createName,
    { kind: SpanKind.PRODUCER, attributes: withPartition(tracing, operation, prepared.createAttributes, read) },
    within,
  )
  const own = trace.setSpan(within, span)
  if (span.isRecording()) {
    describeMessage(tracing, span, operation.topic, read)
    tracing.decorate(span, own, 'create', operation.topic, [message])
  }
  // It is the message's creation that it times; how the send went is the Send span's to tell.
  tracing.succeed(span)
  return { context: own, spanContext: span.spanContext() }
}

/** What samplers may look at: a partition that the application chose is among it. */
function withPartition<M>(
  { names }: Tracing,
  { leaderOf }: SendOperation<M>,
  common: Attributes,
  single: OutgoingMessage | undefined,
): Attributes {
  const chosen = single?.partition ?? undefined
  const partition = partitionId(chosen)
  if (partition === undefined) return common
  const attributes = { ...common }
  names.put(attributes, 'partition', partition)
  putPlace(names, attributes, { server: leaderOf?.(chosen) })
  return attributes
}

function describeMessage(
  { names, options }: Tracing,
  span: Span,
  topic: string,
  { key, value }: OutgoingMessage,
): void {
  names.set(span, 'key', keyText(key, topic, options.messageKey))
  if (isTombstone(key, value)) names.set(span, 'tombstone', true)
}

function safePlaces<R>(places: (result: R) => readonly (RecordPlace | undefined)[], result: R) {
  try {
    return places(result)
  } catch (error) {
    reportFailure('read where records were stored', error)
    return undefined
  }
}

interface MeasuredSend extends BegunSend {
  readonly producer: ProducerMetrics
}

/** Counts a send that begins, if anyone collects. */
function measureSend<M>({ metrics }: Tracing, { topic, messages, format }: SendOperation<M>): MeasuredSend | undefined {
  const instruments = metrics.instruments()
  if (instruments === undefined) return undefined
  try {
    let bytes = 0
    for (const message of messages) {
      const { key, value } = format.read(message)
      bytes += byteLength(key) + byteLength(value)
    }
    const producer = metrics.producer(instruments, topic)
    producer.begun(messages.length)
    return { producer, started: performance.now(), messages: messages.length, bytes }
  } catch (error) {
    reportFailure('count a send', error)
    return undefined
  }
}
