import type { Context, Span } from '@opentelemetry/api'
import type { HeaderEncoding } from './propagation/headers.ts'
import type { MessageSource, ReceivedMessage, ServerAddress } from './source.ts'

/** The fields of an outgoing message that telemetry reads. */
export interface OutgoingMessage {
  readonly key?: unknown
  readonly value?: unknown
  /** Set when the application chose the partition itself. */
  readonly partition?: number | null | undefined
  readonly headers?: unknown
}

/** Reads a client's messages, and copies them with other headers. */
export interface OutgoingFormat<M> {
  read(message: M): OutgoingMessage
  /** Returns a copy of `message` with `headers`; must not change `message`. */
  withHeaders(message: M, headers: unknown): M
  readonly encoding?: HeaderEncoding
}

export interface SendOperation<M> {
  readonly topic: string
  readonly messages: readonly M[]
  readonly format: OutgoingFormat<M>
  readonly clientId?: string | undefined
  /** A function is called when the send starts and when it ends: clients fetch metadata lazily. */
  readonly clusterId?: string | (() => string | undefined) | undefined
  /**
   * Returns the broker that leads a partition; without a partition, the one that leads all of the
   * topic's; undefined if unknown. Called when the send starts and when it ends.
   */
  readonly getLeader?: ((partition: number | undefined) => ServerAddress | undefined) | undefined
}

/** The partition and offset of a stored record. */
export interface RecordMetadata {
  readonly partition?: number | undefined
  readonly offset?: string | number | bigint | undefined
}

export interface StartedSend<M> {
  /** The messages to hand to the client: copies with context in their headers. */
  readonly messages: readonly M[]
  /** The context to call the client in. */
  readonly context: Context
  /** Whether spans are recorded: only then `succeed` uses `records`. */
  readonly isRecording: boolean
  /** Whether spans are recorded or metrics collected: only then `succeed` uses `partitions`. */
  readonly isObserved: boolean
  /**
   * Ends the spans.
   * @param records in the order of `messages`; empty if unknown
   * @param partitions the partitions that were written to, also if `records` is unknown
   *   @default those of `records`
   */
  succeed(records?: readonly (RecordMetadata | undefined)[], partitions?: readonly number[]): void
  fail(error: unknown): void
}

/** A commit, or an acknowledgement in a share group. */
export interface Settlement extends MessageSource {
  /** Low-cardinality name of the operation. @default 'commit' */
  readonly operationName?: string
  /** The offset, when one message is settled. */
  readonly offset?: string | number | bigint
  /** The number of messages, when the operation settles a batch. */
  readonly messageCount?: number
}

/** Where messages come from, and the context to process them in. */
export interface Delivery {
  /**
   * Reuse one object per partition: attributes are computed once for each object.
   * @default the source that a traced client delivered the message from, else the message's own
   *   topic and partition; for a batch, the fields that its messages share
   */
  readonly source?: MessageSource
  /** The ambient context. @default the active context */
  readonly context?: Context
  /** When the poll started, in milliseconds since the epoch; receive spans only. @default now */
  readonly startTime?: number
  /** The error of a failed poll, which may have no messages; receive spans only. @default none */
  readonly error?: unknown
}

/**
 * Traces Kafka operations of any client. Never throws an error of its own, changes no argument and
 * opens no connection: results and errors are those of the functions passed in.
 */
export interface KafkaTelemetry {
  /** Calls `call` with the messages to send, in a Send span; `readRecords` reads its result. */
  send<M, R>(
    operation: SendOperation<M>,
    call: (messages: readonly M[]) => R,
    readRecords?: (result: Awaited<R>) => readonly (RecordMetadata | undefined)[],
  ): R
  /** Does the same in two steps, for clients that report results by event or callback. */
  startSend<M>(operation: SendOperation<M>): StartedSend<M>
  /** Runs `fn` in a process span of `message`, which ends with it and records its error. */
  process<R>(message: ReceivedMessage, fn: (span: Span) => R, delivery?: Delivery): R
  /** Runs `fn` in a receive span and a process span of a batch of messages. */
  processBatch<R>(messages: readonly ReceivedMessage[], fn: (span: Span) => R, delivery?: Delivery): R
  /** Records the receive span of polled messages; returns the context to process them in. */
  receive(messages: readonly ReceivedMessage[], delivery?: Delivery): Context
  /** Runs `fn`, which commits or acknowledges, in a settle span. */
  settle<R>(settlement: Settlement, fn: (span: Span) => R): R
}
