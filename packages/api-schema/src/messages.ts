import { Type, type Static } from 'typebox'
import { Duration, Nano, SpanId, StatusCode, TraceId, UnixNano } from './common/scalars.ts'
import { SearchedRange } from './common/searched.ts'

/**
 * `unconsumed`: produced, and a group that reads the topic has not consumed it after `after`, once
 * a group. `late`: consumed more than `after` after it was produced. `redelivered`: delivered more
 * than once to a group. `retried`: tried again by the same group after a failure, or over a retry
 * topic. `dead-lettered`: sent to a dead-letter topic.
 */
export const MessageList = Type.Enum(['unconsumed', 'late', 'redelivered', 'retried', 'dead-lettered'])
export type MessageList = Static<typeof MessageList>

export const MessagesParams = Type.Object({ list: MessageList }, { additionalProperties: false })

export const MessagesQuery = Type.Object(
  {
    topic: Type.Optional(Type.String({ minLength: 1, maxLength: 1024 })),
    /** Consumer group. */
    group: Type.Optional(Type.String({ minLength: 1, maxLength: 1024 })),
    /** `unconsumed` only: messages that no group at all has consumed, once each. */
    never: Type.Optional(Type.Boolean()),
    /** `unconsumed` (default 1m) and `late` (default 10s). */
    after: Type.Optional(Duration),
    /**
     * Produced (`unconsumed`), consumed (`late`, `redelivered`, `retried`) or dead-lettered at or
     * after. Default: an hour before `end`.
     */
    start: Type.Optional(UnixNano),
    /** Default: now. */
    end: Type.Optional(UnixNano),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 50 })),
    cursor: Type.Optional(Type.String({ maxLength: 200 })),
  },
  { additionalProperties: false },
)
export type MessagesQuery = Static<typeof MessagesQuery>

export const MessageSpan = Type.Object({
  traceId: TraceId,
  spanId: SpanId,
  service: Type.String(),
  name: Type.String(),
  cluster: Type.String({ description: 'id of the Kafka cluster; empty, like the next four, when unknown' }),
  topic: Type.String(),
  partition: Type.String(),
  offset: Type.String(),
  key: Type.String(),
  /** Empty for a producing span. */
  consumerGroup: Type.String(),
  startTimeUnixNano: UnixNano,
  endTimeUnixNano: UnixNano,
  status: StatusCode,
  /** `exception.type` of its last exception event, or `error.type`; empty when it has none. */
  errorType: Type.String(),
  /** `exception.message`, or the status message. */
  errorMessage: Type.String(),
  /**
   * End of the message's producing span to start of this one; `null` for a producing span, and
   * while that is unknown.
   */
  queueTimeNano: Type.Union([Nano, Type.Null()]),
})
export type MessageSpan = Static<typeof MessageSpan>

export const Message = Type.Object({
  /** The span to open the flow at: `/api/flows/<traceId>?spanId=<spanId>`. */
  traceId: TraceId,
  spanId: SpanId,
  cluster: Type.String({ description: 'id of the Kafka cluster; empty, like the next four, when unknown' }),
  topic: Type.String(),
  partition: Type.String(),
  offset: Type.String(),
  key: Type.String(),
  /** Empty when unknown, and for a message of `unconsumed` that no group is known to read. */
  consumerGroup: Type.String(),
  /**
   * What the list is sorted by, newest first: when it was produced, consumed late, last delivered,
   * tried or dead-lettered.
   */
  timeUnixNano: UnixNano,
  /**
   * `unconsumed`: age at the end of the asked time. `late`: queue time. `dead-lettered`, `retried`:
   * first produced to last try.
   */
  waitNano: Nano,
  /**
   * The producing span, of the first attempt where there are several; `null` while it is missing.
   */
  produced: Type.Union([MessageSpan, Type.Null()]),
  /**
   * Spans that received or processed it, oldest first: one (`late`), each delivery (`redelivered`),
   * each attempt with its error, over all retry topics (`retried`, `dead-lettered`), none
   * (`unconsumed`).
   */
  attempts: Type.Array(MessageSpan),
  /** The send to the dead-letter topic; `dead-lettered` only. */
  deadLetter: Type.Optional(MessageSpan),
})
export type Message = Static<typeof Message>

export const MessagesResponse = Type.Object({
  list: MessageList,
  startTimeUnixNano: UnixNano,
  endTimeUnixNano: UnixNano,
  /** Newest first. */
  messages: Type.Array(Message),
  /**
   * How many there are over time, one bucket per `stepNano` from start to end, empty ones included.
   */
  counts: Type.Array(Type.Object({ startTimeUnixNano: UnixNano, count: Type.Integer() })),
  stepNano: Nano,
  /** Sum of `counts`. */
  total: Type.Integer(),
  /** `counts` are of this range alone, unless the list is `dead-lettered` and `complete`. */
  ...SearchedRange.properties,
  nextCursor: Type.Optional(Type.String()),
})
export type MessagesResponse = Static<typeof MessagesResponse>
