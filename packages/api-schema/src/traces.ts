import { Type, type Static } from 'typebox'
import { Attributes } from './common/attributes.ts'
import { SpanLink } from './links.ts'
import { RecordMetadata } from './common/record.ts'
import { Duration, Nano, SpanId, SpanKind, StatusCode, TraceId, UnixNano } from './common/scalars.ts'
import { SearchedRange } from './common/searched.ts'

export const TracesQuery = Type.Object(
  {
    /**
     * A TraceQL search (docs/query.md) instead of `service` to `status`, which it can't be combined
     * with.
     */
    q: Type.Optional(Type.String({ minLength: 1, maxLength: 8192 })),
    service: Type.Optional(Type.String({ minLength: 1, maxLength: 1024 })),
    operation: Type.Optional(Type.String({ minLength: 1, maxLength: 1024 })),
    minDuration: Type.Optional(Duration),
    maxDuration: Type.Optional(Duration),
    status: Type.Optional(StatusCode),
    /** Spans starting at or after it. */
    start: Type.Optional(UnixNano),
    /** Spans starting before it. */
    end: Type.Optional(UnixNano),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 50 })),
    cursor: Type.Optional(Type.String({ maxLength: 200 })),
  },
  { additionalProperties: false },
)
export type TracesQuery = Static<typeof TracesQuery>

export const ServiceCount = Type.Object({
  name: Type.String(),
  spanCount: Type.Integer(),
  errorCount: Type.Integer(),
})

/**
 * A trace in a list. `root*` is the span without a parent, or the earliest span while the root is
 * missing (`rootMissing`).
 */
export const TraceSummary = Type.Object({
  traceId: TraceId,
  rootService: Type.String(),
  rootName: Type.String(),
  rootMissing: Type.Boolean(),
  startTimeUnixNano: UnixNano,
  durationNano: Nano,
  spanCount: Type.Integer(),
  errorCount: Type.Integer(),
  services: Type.Array(ServiceCount),
  /** Links from spans of this trace to other traces: its producers. */
  linksOut: Type.Integer(),
  /** Links from other traces to spans of this one: its consumers. */
  linksIn: Type.Integer(),
})
export type TraceSummary = Static<typeof TraceSummary>

/** Spans of a trace that a TraceQL search is about: one set a trace, or one a group of `by()`. */
export const MatchedSpans = Type.Object({
  matched: Type.Integer(),
  /** Values of `by()`, as text; `null` where the spans have none. */
  group: Type.Array(Type.Object({ field: Type.String(), value: Type.Union([Type.String(), Type.Null()]) })),
  /**
   * The first three. `attributes` are the fields that conditions and `select()` name, where the
   * span has them.
   */
  spans: Type.Array(
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
})
export type MatchedSpans = Static<typeof MatchedSpans>

export const FoundTrace = Type.Object({
  ...TraceSummary.properties,
  /** Of a search by `q`. */
  matches: Type.Optional(Type.Array(MatchedSpans)),
})
export type FoundTrace = Static<typeof FoundTrace>

/** Newest first, by the start of the newest span that matched. */
export const TracesResponse = Type.Object({
  traces: Type.Array(FoundTrace),
  ...SearchedRange.properties,
  nextCursor: Type.Optional(Type.String()),
  /** Of a search by `q`: more traces match; `nextCursor` has the next page. */
  more: Type.Optional(Type.Literal(true)),
  /** Of a search by `q`: what was left out and what to do about it, in sentences. */
  cuts: Type.Optional(Type.Array(Type.String())),
})
export type TracesResponse = Static<typeof TracesResponse>

export const TraceParams = Type.Object({ traceId: TraceId }, { additionalProperties: false })

export const SpanEvent = Type.Object({
  timeUnixNano: UnixNano,
  name: Type.String(),
  attributes: Attributes,
  droppedAttributesCount: Type.Integer(),
})
export type SpanEvent = Static<typeof SpanEvent>

/**
 * Resource and scope of spans: one per process and library, named by its index in
 * `TraceResponse.sources`.
 */
export const SpanSource = Type.Object({
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
})
export type SpanSource = Static<typeof SpanSource>

export const Span = Type.Object({
  spanId: SpanId,
  /**
   * Empty for a root. Several spans may share an id, told apart by kind and service: the server
   * then is the client's child, and children of the id are those of the span of their own service,
   * else the server's.
   */
  parentSpanId: Type.String(),
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
  /** Of the message that the span is about; absent where its attributes name none of it. */
  record: Type.Optional(RecordMetadata),
  /**
   * Of a consumer that is its producer's child: how long the message waited. Negative: clock skew.
   */
  queueTimeNano: Type.Optional(Nano),
  events: Type.Array(SpanEvent),
  droppedEventsCount: Type.Integer(),
  links: Type.Array(SpanLink),
  droppedLinksCount: Type.Integer(),
  /** How many links, of any trace, point at this span. */
  backlinkCount: Type.Integer(),
  /** Index into `TraceResponse.sources`; -1 when the source row is not here (yet). */
  source: Type.Integer(),
})
export type Span = Static<typeof Span>

/** Spans in order of start time. */
export const TraceResponse = Type.Object({
  traceId: TraceId,
  spans: Type.Array(Span),
  sources: Type.Array(SpanSource),
  /** There are more spans than the answer holds; those it holds are the earliest. */
  truncated: Type.Optional(Type.Literal(true)),
})
export type TraceResponse = Static<typeof TraceResponse>
