import { Type, type Static } from 'typebox'
import { allowNull, defineParameters, describe } from './common/describe.ts'
import { MissingParts } from './common/searched.ts'
import { SpanId, SpanKind, TraceId, UnixNano } from './common/scalars.ts'
import { Span, SpanSource } from './traces.ts'

const Column = describe(
  'Base64 of the concatenated little-endian values, a tenth of the time that JSON arrays take.',
  Type.String(),
)

export const TraceSkeleton = describe(
  'A trace without attributes, in columns: 100,000 spans are about 5 MB. Entry `i` of every column belongs to span `i`, sorted by start.',
  Type.Object({
    traceId: TraceId,
    startTimeUnixNano: UnixNano,
    count: Type.Integer(),
    spanIds: describe('Concatenated span ids of 16 hex digits.', Type.String()),
    parent: describe('32-bit integers: index of the parent; -1 for a root, -2 when the parent is not stored.', Column),
    services: Type.Array(Type.String()),
    service: describe('32-bit integers: index into `services`.', Column),
    names: Type.Array(Type.String()),
    name: describe('32-bit integers: index into `names`.', Column),
    kind: describe('Bytes: 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer.', Column),
    status: describe('Bytes: 0 unset, 1 ok, 2 error.', Column),
    start: describe('64-bit floats: nanoseconds after `startTimeUnixNano`.', Column),
    duration: describe('64-bit floats: nanoseconds; negative when the clock was set back.', Column),
    linksOut: describe('Pairs of span index and count, only for spans with links.', Type.Array(Type.Integer())),
    linksIn: Type.Array(Type.Integer()),
    events: describe(
      'Pairs of span index and nanoseconds after `startTimeUnixNano`; at most 500 per span.',
      Type.Array(Type.Number()),
    ),
    truncated: describe('The limit of spans was reached: these are the earliest.', Type.Optional(Type.Literal(true))),
    missingParts: MissingParts,
  }),
)
export type TraceSkeleton = Static<typeof TraceSkeleton>

export const SpanParams = defineParameters({ traceId: TraceId, spanId: SpanId })

export const SpanQuery = defineParameters({
  kind: describe('With `service`, selects one of several spans that share the id.', Type.Optional(SpanKind)),
  service: Type.Optional(Type.String({ maxLength: 1024 })),
})
export type SpanQuery = Static<typeof SpanQuery>

export const SpanResponse = Type.Object({
  traceId: TraceId,
  span: Span,
  source: describe('Resource and scope of the span; `null` while not stored.', allowNull(SpanSource)),
  spansWithSameId: describe(
    'Other spans of the trace with the same id, such as both sides of a call with B3.',
    Type.Optional(Type.Array(Type.Object({ kind: SpanKind, service: Type.String() }))),
  ),
  missingParts: MissingParts,
})
export type SpanResponse = Static<typeof SpanResponse>

export const FindSpansQuery = defineParameters({
  text: describe(
    'Text in names, services, status messages, attributes and events; ASCII letters match in either case.',
    Type.String({ minLength: 1, maxLength: 1024 }),
  ),
})

export const FindSpansResponse = Type.Object({
  spanIds: Type.Array(SpanId),
  truncated: describe('More than 10,000 spans match: these are the earliest.', Type.Optional(Type.Literal(true))),
  missingParts: MissingParts,
})
export type FindSpansResponse = Static<typeof FindSpansResponse>
