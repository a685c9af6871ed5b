import { Type, type Static } from 'typebox'
import { defineParameters, describe } from './common/describe.ts'
import { AnyValue, Attributes } from './common/attributes.ts'
import { SpanId, TraceId, UnixNano } from './common/scalars.ts'
import { SearchedRange } from './common/searched.ts'
import { SpanSource } from './traces.ts'

export const Severity = describe(
  "OTLP's ranges of severity numbers: trace 1 to 4, debug 5 to 8, info 9 to 12, warn 13 to 16, error 17 to 20, fatal 21 to 24.",
  Type.Enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']),
)
export type Severity = Static<typeof Severity>

const Condition = describe(
  '`key=value`, or `key` for any value. A key that contains `=` is not supported.',
  Type.String({ minLength: 1, maxLength: 4096 }),
)

export const LogsQuery = describe(
  'All conditions must hold.',
  defineParameters({
    traceId: Type.Optional(TraceId),
    spanId: describe('Only with `traceId`.', Type.Optional(SpanId)),
    service: Type.Optional(Type.String({ minLength: 1, maxLength: 1024 })),
    severity: describe('Minimum severity. Excludes records without a severity number.', Type.Optional(Severity)),
    q: describe(
      'Text in the body; ASCII letters match in either case.',
      Type.Optional(Type.String({ minLength: 1, maxLength: 4096 })),
    ),
    eventName: Type.Optional(Type.String({ minLength: 1, maxLength: 1024 })),
    attribute: describe(
      'Attribute of the record or of its resource. Repeatable.',
      Type.Optional(Type.Union([Condition, Type.Array(Condition, { maxItems: 32 })])),
    ),
    start: describe('Inclusive.', Type.Optional(UnixNano)),
    end: describe('Exclusive.', Type.Optional(UnixNano)),
    order: Type.Optional(Type.Enum(['newest', 'oldest'], { default: 'newest' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
    cursor: Type.Optional(Type.String({ maxLength: 200 })),
  }),
)
export type LogsQuery = Static<typeof LogsQuery>

export const LogRecord = Type.Object({
  timestampUnixNano: describe(
    '`timeUnixNano`, or the observed time where that is unknown. Records are sorted by it.',
    UnixNano,
  ),
  timeUnixNano: describe('As sent; `0` when unknown.', UnixNano),
  observedTimeUnixNano: UnixNano,
  service: Type.String(),
  severityNumber: describe('1 to 24, or 0 when unspecified. 17 and above are errors.', Type.Integer()),
  severityText: describe('Severity as the application names it.', Type.String()),
  body: AnyValue,
  attributes: Attributes,
  droppedAttributesCount: Type.Integer(),
  flags: Type.Integer(),
  traceId: describe('Empty, like `spanId`, when the record belongs to no trace.', Type.String()),
  spanId: Type.String(),
  eventName: describe('Set for a record that is an event.', Type.String()),
  source: describe('Index into `LogsResponse.sources`; -1 while the source is not stored.', Type.Integer()),
})
export type LogRecord = Static<typeof LogRecord>

export const LogsResponse = Type.Object({
  logs: Type.Array(LogRecord),
  sources: Type.Array(SpanSource),
  ...SearchedRange.properties,
  nextCursor: Type.Optional(Type.String()),
})
export type LogsResponse = Static<typeof LogsResponse>
