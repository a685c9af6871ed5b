import { Type, type Static } from 'typebox'
import { Duration, Nano, SpanId, StatusCode, TraceId, UnixNano } from './scalars.ts'

/**
 * `unconsumed`: produced, and no span of the group has received or processed it after `after`. `late`: consumed more
 * than `after` after it was produced. `redelivered`: delivered more than once to a group. `retried`: tried again by the same group after
 * a failure, or over a retry topic. `dead-lettered`: sent to a dead-letter topic.
 */
export const MessageList = Type.Enum(['unconsumed', 'late', 'redelivered', 'retried', 'dead-lettered'])
export type MessageList = Static<typeof MessageList>

export const MessagesParams = Type.Object({ list: MessageList }, { additionalProperties: false })

export const MessagesQuery = Type.Object(
  {
    topic: Type.Optional(Type.String({ minLength: 1, maxLength: 1024 })),
    /** Consumer group. Without it, `unconsumed` is what no group has consumed. */
    group: Type.Optional(Type.String({ minLength: 1, maxLength: 1024 })),
    /** `unconsumed` (default 1m) and `late` (default 10s). */
    after: Type.Optional(Duration),
    /** Produced (`unconsumed`), consumed (`late`, `redelivered`, `retried`) or dead-lettered at or after. Default: an hour before `end`. */
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
  topic: Type.String(),
  partition: Type.String(),
  offset: Type.String(),
  /** Empty for a producing span. */
  consumerGroup: Type.String(),
  startTimeUnixNano: UnixNano,
  endTimeUnixNano: UnixNano,
  status: StatusCode,
  /** `exception.type` of its last exception event, or `error.type`; empty when it has none. */
  errorType: Type.String(),
  /** `exception.message`, or the status message. */
  errorMessage: Type.String(),
  /** End of the message's producing span to start of this one; `null` for a producing span, and while that is unknown. */
  queueTimeNano: Type.Union([Nano, Type.Null()]),
})
export type MessageSpan = Static<typeof MessageSpan>

export const Message = Type.Object({
  /** The span to open the flow at: `/api/flows/<traceId>?spanId=<spanId>`. */
  traceId: TraceId,
  spanId: SpanId,
  topic: Type.String(),
  partition: Type.String(),
  offset: Type.String(),
  consumerGroup: Type.String(),
  /** What the list is sorted by, newest first: when it was produced, consumed late, last delivered, tried or dead-lettered. */
  timeUnixNano: UnixNano,
  /** `unconsumed`: age at the end of the asked time. `late`: queue time. `dead-lettered`, `retried`: first produced to last try. */
  waitNano: Nano,
  /** The producing span, of the first attempt where there are several; `null` while it is missing. */
  produced: Type.Union([MessageSpan, Type.Null()]),
  /**
   * Spans that received or processed it, oldest first: one (`late`), each delivery (`redelivered`), each attempt with
   * its error, over all retry topics (`retried`, `dead-lettered`), none (`unconsumed`).
   */
  attempts: Type.Array(MessageSpan),
  /** The send to the dead-letter topic; `dead-lettered` only. */
  deadLetter: Type.Optional(MessageSpan),
})
export type Message = Static<typeof Message>

export const MessagesAnswer = Type.Object({
  list: MessageList,
  startTimeUnixNano: UnixNano,
  endTimeUnixNano: UnixNano,
  /** Newest first. */
  messages: Type.Array(Message),
  /** How many there are over time, one bucket per `stepNano` from start to end, empty ones included. */
  counts: Type.Array(Type.Object({ startTimeUnixNano: UnixNano, count: Type.Integer() })),
  stepNano: Nano,
  /** Sum of `counts`. */
  total: Type.Integer(),
  /** The time asked for holds more messages than one answer may look at: counts are of the newest. Ask for less time or one topic. */
  truncated: Type.Boolean(),
  /**
   * Counts are whole from here on, up to the end of the asked time or, with a cursor, its place; before, they tell nothing. The start
   * of the asked time unless `truncated`.
   */
  countedFromUnixNano: UnixNano,
  nextCursor: Type.Optional(Type.String()),
})
export type MessagesAnswer = Static<typeof MessagesAnswer>
