import { Type, type Static } from 'typebox'
import { allowNull, defineParameters, describe } from './common/describe.ts'
import { Attributes } from './common/attributes.ts'
import { SpanLink } from './links.ts'
import { RecordMetadata } from './common/record.ts'
import { Duration, Nano, SpanId, SpanKind, StatusCode, TraceId, UnixNano } from './common/scalars.ts'
import { MissingParts, SearchedRange } from './common/searched.ts'

export const TracesQuery = defineParameters({
  q: describe(
    'A TraceQL search (docs/query.md). Excludes the parameters `service` to `status`.',
    Type.Optional(Type.String({ minLength: 1, maxLength: 8192 })),
  ),
  service: Type.Optional(Type.String({ minLength: 1, maxLength: 1024 })),
  operation: Type.Optional(Type.String({ minLength: 1, maxLength: 1024 })),
  minDuration: Type.Optional(Duration),
  maxDuration: Type.Optional(Duration),
  status: Type.Optional(StatusCode),
  start: describe('Spans that start at or after.', Type.Optional(UnixNano)),
  end: describe('Spans that start before.', Type.Optional(UnixNano)),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 50 })),
  cursor: Type.Optional(Type.String({ maxLength: 200 })),
})
export type TracesQuery = Static<typeof TracesQuery>

export const ServiceCount = Type.Object({
  name: Type.String(),
  spanCount: Type.Integer(),
  errorCount: Type.Integer(),
})

export const TraceSummary = describe(
  'A trace in a list. `root…` fields describe the root span, or the earliest span while the root is missing (`rootMissing`).',
  Type.Object({
    traceId: TraceId,
    rootService: Type.String(),
    rootName: Type.String(),
    rootMissing: Type.Boolean(),
    startTimeUnixNano: UnixNano,
    durationNano: Nano,
    spanCount: Type.Integer(),
    errorCount: Type.Integer(),
    services: Type.Array(ServiceCount),
    linksOut: describe('Links from this trace to other traces, such as its producers.', Type.Integer()),
    linksIn: describe('Links from other traces to this one, such as its consumers.', Type.Integer()),
  }),
)
export type TraceSummary = Static<typeof TraceSummary>

export const MatchedSpans = describe(
  'Spans of a trace that match a TraceQL search: one set per trace, or per group of `by()`.',
  Type.Object({
    matched: Type.Integer(),
    group: describe(
      'Values of `by()` as strings; `null` where spans have none.',
      Type.Array(Type.Object({ field: Type.String(), value: allowNull(Type.String()) })),
    ),
    spans: describe(
      'The first three. `attributes` are the fields in conditions and `select()` that the span has.',
      Type.Array(
        Type.Object({
          spanId: SpanId,
          service: Type.String(),
          name: Type.String(),
          status: StatusCode,
          startTimeUnixNano: UnixNano,
          durationNano: Nano,
          attributes: Type.Array(Type.Object({ field: Type.String(), value: Type.String() })),
        }),
      ),
    ),
  }),
)
export type MatchedSpans = Static<typeof MatchedSpans>

export const FoundTrace = Type.Object({
  ...TraceSummary.properties,
  matches: describe('Only for a search by `q`.', Type.Optional(Type.Array(MatchedSpans))),
})
export type FoundTrace = Static<typeof FoundTrace>

export const TracesResponse = describe(
  'Newest first, by start of the newest matching span.',
  Type.Object({
    traces: Type.Array(FoundTrace),
    ...SearchedRange.properties,
    nextCursor: Type.Optional(Type.String()),
    hasMore: describe(
      'For a search by `q`: more traces match; `nextCursor` continues.',
      Type.Optional(Type.Literal(true)),
    ),
    warnings: describe(
      'For a search by `q`: limits that it reached, and how to change it.',
      Type.Optional(Type.Array(Type.String())),
    ),
  }),
)
export type TracesResponse = Static<typeof TracesResponse>

export const TraceParams = defineParameters({ traceId: TraceId })

export const DeleteTraceResponse = Type.Object({ deletedSpans: Type.Integer() })
export type DeleteTraceResponse = Static<typeof DeleteTraceResponse>

export const DeleteTracesQuery = defineParameters({
  q: describe(
    'A TraceQL search (docs/query.md): traces that match are deleted whole.',
    Type.String({ minLength: 1, maxLength: 8192 }),
  ),
  start: describe('Spans that start at or after.', Type.Optional(UnixNano)),
  end: describe('Spans that start before.', Type.Optional(UnixNano)),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 50 })),
  cursor: Type.Optional(Type.String({ maxLength: 200 })),
})
export type DeleteTracesQuery = Static<typeof DeleteTracesQuery>

export const DeleteTracesResponse = describe(
  'Traces deleted by this request; `nextCursor` continues with further ones.',
  Type.Object({
    deletedTraces: Type.Integer(),
    deletedSpans: Type.Integer(),
    ...SearchedRange.properties,
    nextCursor: TracesResponse.properties.nextCursor,
    hasMore: TracesResponse.properties.hasMore,
    warnings: TracesResponse.properties.warnings,
  }),
)
export type DeleteTracesResponse = Static<typeof DeleteTracesResponse>

export const SpanEvent = Type.Object({
  timeUnixNano: UnixNano,
  name: Type.String(),
  attributes: Attributes,
  droppedAttributesCount: Type.Integer(),
})
export type SpanEvent = Static<typeof SpanEvent>

export const SpanSource = describe(
  'Resource and scope of spans: one per process and library. Spans refer to it by index.',
  Type.Object({
    resource: Type.Object({
      attributes: Attributes,
      droppedAttributesCount: Type.Integer(),
      schemaUrl: Type.String(),
    }),
    scope: Type.Object({
      name: Type.String(),
      version: Type.String(),
      attributes: Attributes,
      droppedAttributesCount: Type.Integer(),
      schemaUrl: Type.String(),
    }),
  }),
)
export type SpanSource = Static<typeof SpanSource>

export const Span = Type.Object({
  spanId: SpanId,
  parentSpanId: describe(
    'Empty for a root. Spans may share an id and differ by kind and service: then the server is the child of the client, and children of the id belong to the span of their service, else to the server.',
    Type.String(),
  ),
  service: Type.String(),
  name: Type.String(),
  kind: SpanKind,
  startTimeUnixNano: UnixNano,
  endTimeUnixNano: UnixNano,
  status: Type.Object({ code: StatusCode, message: Type.String() }),
  traceState: Type.String(),
  flags: Type.Integer(),
  attributes: Attributes,
  droppedAttributesCount: Type.Integer(),
  record: describe(
    "Record metadata of the span's message; absent where its attributes name none.",
    Type.Optional(RecordMetadata),
  ),
  queueTimeNano: describe(
    'Queue time of a consumer that is a child of its producer. Negative: clock skew.',
    Type.Optional(Nano),
  ),
  events: Type.Array(SpanEvent),
  droppedEventsCount: Type.Integer(),
  links: Type.Array(SpanLink),
  droppedLinksCount: Type.Integer(),
  backlinkCount: describe('Number of links from any trace to this span.', Type.Integer()),
  source: describe('Index into `TraceResponse.sources`; -1 while the source is not stored.', Type.Integer()),
})
export type Span = Static<typeof Span>

export const TraceResponse = describe(
  'Spans sorted by start time.',
  Type.Object({
    traceId: TraceId,
    spans: Type.Array(Span),
    sources: Type.Array(SpanSource),
    truncated: describe('The limit of spans was reached: these are the earliest.', Type.Optional(Type.Literal(true))),
    missingParts: MissingParts,
  }),
)
export type TraceResponse = Static<typeof TraceResponse>
