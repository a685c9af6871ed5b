import { Type, type Static } from 'typebox'
import { AnyValue, Attributes } from './common/attributes.ts'
import { SpanId, TraceId, UnixNano } from './common/scalars.ts'
import { SearchedRange } from './common/searched.ts'
import { SpanSource } from './traces.ts'

/**
 * OTLP's ranges of severity numbers: trace 1 to 4, debug 5 to 8, info 9 to 12, warn 13 to 16, error
 * 17 to 20, fatal 21 to 24.
 */
export const Severity = Type.Enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal'])
export type Severity = Static<typeof Severity>

/** `key=value`, or `key` alone: whatever its value. A key with `=` in it can't be asked for. */
const Condition = Type.String({ minLength: 1, maxLength: 4096 })

/** Every condition given has to hold. */
export const LogsQuery = Type.Object(
  {
    traceId: Type.Optional(TraceId),
    /** Only with `traceId`. */
    spanId: Type.Optional(SpanId),
    service: Type.Optional(Type.String({ minLength: 1, maxLength: 1024 })),
    /** At least this severe. A record without a severity number is none of them. */
    severity: Type.Optional(Severity),
    /** Text in the body, in any case of ASCII letters. */
    q: Type.Optional(Type.String({ minLength: 1, maxLength: 4096 })),
    eventName: Type.Optional(Type.String({ minLength: 1, maxLength: 1024 })),
    /** Of the record or of its resource; several by repeating it. */
    attribute: Type.Optional(Type.Union([Condition, Type.Array(Condition, { maxItems: 32 })])),
    /** At or after it. */
    start: Type.Optional(UnixNano),
    /** Before it. */
    end: Type.Optional(UnixNano),
    order: Type.Optional(Type.Enum(['newest', 'oldest'], { default: 'newest' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
    cursor: Type.Optional(Type.String({ maxLength: 200 })),
  },
  { additionalProperties: false },
)
export type LogsQuery = Static<typeof LogsQuery>

export const LogRecord = Type.Object({
  /**
   * When it happened; when it was observed, if that isn't known. Records are in the order of it.
   */
  timestampUnixNano: UnixNano,
  /** As sent; `0` when not known. */
  timeUnixNano: UnixNano,
  observedTimeUnixNano: UnixNano,
  service: Type.String(),
  /** 1 to 24; 0 when none was sent. 17 and above is an error. */
  severityNumber: Type.Integer(),
  /** The sender's own word for it. */
  severityText: Type.String(),
  body: AnyValue,
  attributes: Attributes,
  droppedAttributesCount: Type.Integer(),
  flags: Type.Integer(),
  /** Empty when the record belongs to no trace; `spanId` alike. */
  traceId: Type.String(),
  spanId: Type.String(),
  /** Not empty: the record is an event. */
  eventName: Type.String(),
  /** Index into `LogsResponse.sources`; -1 when the source row is not here (yet). */
  source: Type.Integer(),
})
export type LogRecord = Static<typeof LogRecord>

export const LogsResponse = Type.Object({
  logs: Type.Array(LogRecord),
  sources: Type.Array(SpanSource),
  ...SearchedRange.properties,
  nextCursor: Type.Optional(Type.String()),
})
export type LogsResponse = Static<typeof LogsResponse>
