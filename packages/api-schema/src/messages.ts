import { Type, type Static } from 'typebox'
import { allowNull, defineParameters, describe } from './common/describe.ts'
import { Duration, Nano, SpanId, SpanKind, StatusCode, TraceId, UnixNano } from './common/scalars.ts'
import { SearchedRange } from './common/searched.ts'

export const MessageList = describe(
  '`unconsumed`: sent at least `minQueueTime` ago and still not consumed by a group that reads the topic; one entry per group. `late`: consumed later than `minQueueTime` after it was produced. `redelivered`: delivered more than once to a group. `retried`: retried by the same group after a failure, or over a retry topic. `dead-lettered`: sent to a dead-letter topic.',
  Type.Enum(['unconsumed', 'late', 'redelivered', 'retried', 'dead-lettered']),
)
export type MessageList = Static<typeof MessageList>

export const MessagesParams = defineParameters({ list: MessageList })

export const MessagesQuery = defineParameters({
  topic: describe(
    'Exact name of the topic of the message. `retried` and `dead-lettered` also match each retry topic and the dead-letter topic that the message was sent to.',
    Type.Optional(Type.String({ minLength: 1, maxLength: 1024 })),
  ),
  consumerGroup: describe(
    'Consumer group that consumed the message, or has not.',
    Type.Optional(Type.String({ minLength: 1, maxLength: 1024 })),
  ),
  neverConsumed: describe(
    'Only for `unconsumed`: messages that no group has consumed, one entry per message.',
    Type.Optional(Type.Boolean()),
  ),
  minQueueTime: describe('Only for `unconsumed` (default 1m) and `late` (default 10s).', Type.Optional(Duration)),
  start: describe(
    'Start of the range in which messages were produced (`unconsumed`), consumed (`late`, `redelivered`, `retried`) or dead-lettered. Default: an hour before `end`.',
    Type.Optional(UnixNano),
  ),
  end: describe('Default: now.', Type.Optional(UnixNano)),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 50 })),
  cursor: Type.Optional(Type.String({ maxLength: 200 })),
})
export type MessagesQuery = Static<typeof MessagesQuery>

const record = {
  cluster: Type.String({ description: 'Id of the Kafka cluster. Empty when unknown, like the next four fields.' }),
  topic: Type.String(),
  partition: Type.String(),
  offset: Type.String(),
  key: Type.String(),
}

export const MessageSpan = Type.Object({
  traceId: TraceId,
  spanId: SpanId,
  kind: SpanKind,
  service: Type.String(),
  name: Type.String(),
  ...record,
  consumerGroup: describe('Empty for a producing span.', Type.String()),
  startTimeUnixNano: UnixNano,
  endTimeUnixNano: UnixNano,
  status: StatusCode,
  errorType: describe(
    '`exception.type` of the last exception event, or `error.type`; empty when there is none.',
    Type.String(),
  ),
  errorMessage: describe('`exception.message`, or the status message.', Type.String()),
  queueTimeNano: describe(
    'Queue time of the message; `null` for a producing span, and while the producing span is not stored. Negative: clock skew.',
    allowNull(Nano),
  ),
})
export type MessageSpan = Static<typeof MessageSpan>

export const Message = Type.Object({
  traceId: describe('With `spanId`, the address of its flow: `/api/flows/<traceId>?spanId=<spanId>`.', TraceId),
  spanId: SpanId,
  ...record,
  consumerGroup: describe(
    'Empty when unknown, and for an `unconsumed` message whose topic no group is known to read.',
    Type.String(),
  ),
  timeUnixNano: describe(
    'Sort key, newest first: when the message was produced, consumed late, last delivered, retried or dead-lettered.',
    UnixNano,
  ),
  waitNano: describe(
    '`unconsumed`: age at the end of the requested range. `late`: queue time. Other lists: from producing to the end of the last attempt.',
    Nano,
  ),
  producer: describe(
    'The producing span, of the first attempt where there are several; `null` while not stored.',
    allowNull(MessageSpan),
  ),
  attempts: describe(
    'Spans that received or processed the message, oldest first: one (`late`), each attempt (`redelivered`), each attempt on all retry topics (`retried`, `dead-lettered`), none (`unconsumed`).',
    Type.Array(MessageSpan),
  ),
  deadLetter: describe('Only for `dead-lettered`: the send to the dead-letter topic.', Type.Optional(MessageSpan)),
})
export type Message = Static<typeof Message>

export const MessagesResponse = Type.Object({
  list: MessageList,
  startTimeUnixNano: UnixNano,
  endTimeUnixNano: UnixNano,
  messages: describe('Newest first.', Type.Array(Message)),
  counts: describe(
    'Number of messages over time: one bucket per `stepNano` from start to end, including empty ones. Counts only `searched`, unless the list is `dead-lettered` and `complete`.',
    Type.Array(Type.Object({ startTimeUnixNano: UnixNano, count: Type.Integer() })),
  ),
  stepNano: Nano,
  total: describe('Sum of `counts`.', Type.Integer()),
  ...SearchedRange.properties,
  nextCursor: Type.Optional(Type.String()),
})
export type MessagesResponse = Static<typeof MessagesResponse>
