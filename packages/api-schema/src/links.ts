import { Type, type Static } from 'typebox'
import { Attributes } from './common/attributes.ts'
import { RecordMetadata } from './common/record.ts'
import { Nano, SpanId, SpanKind, StatusCode, TraceId, UnixNano } from './common/scalars.ts'

/**
 * What there is to say of a span at the other end of a link, enough to name it without opening it.
 */
export const LinkedSpan = Type.Object({
  service: Type.String(),
  name: Type.String(),
  kind: SpanKind,
  status: StatusCode,
  startTimeUnixNano: UnixNano,
  endTimeUnixNano: UnixNano,
})
export type LinkedSpan = Static<typeof LinkedSpan>

/** A link as its carrying span tells it, with its target resolved where the target is here. */
export const SpanLink = Type.Object({
  traceId: Type.String({ description: 'the target; empty when the link names no trace, which OTLP allows' }),
  spanId: Type.String(),
  traceState: Type.String(),
  flags: Type.Integer(),
  attributes: Attributes,
  droppedAttributesCount: Type.Integer(),
  /**
   * `null` when no such span has arrived: not sampled, expired, sent elsewhere, or still to come.
   */
  target: Type.Union([LinkedSpan, Type.Null()]),
  /**
   * Of the message: from the link's attributes, then from the consuming span's, then from the
   * producing span's.
   */
  record: RecordMetadata,
  /**
   * How long the message waited in between; `null` while the target is unknown. Negative: clock
   * skew.
   */
  queueTimeNano: Type.Union([Nano, Type.Null()]),
})
export type SpanLink = Static<typeof SpanLink>

/**
 * One link seen from a given trace: `out` when a span of the trace carries it, `in` when it points
 * at one.
 */
export const TraceLink = Type.Object({
  direction: Type.Enum(['out', 'in']),
  /** The span of the given trace. */
  spanId: SpanId,
  span: Type.Union([LinkedSpan, Type.Null()]),
  /** The other end. */
  peerTraceId: Type.String(),
  peerSpanId: Type.String(),
  peer: Type.Union([LinkedSpan, Type.Null()]),
  /**
   * Of the message: from the link's attributes, then from the consuming span's, then from the
   * producing span's.
   */
  record: RecordMetadata,
  traceState: Type.String(),
  flags: Type.Integer(),
  attributes: Attributes,
  droppedAttributesCount: Type.Integer(),
  /**
   * How long the message waited in between; `null` when an end is unknown. Negative: clock skew.
   */
  queueTimeNano: Type.Union([Nano, Type.Null()]),
})
export type TraceLink = Static<typeof TraceLink>

export const LinksParams = Type.Object({ traceId: TraceId }, { additionalProperties: false })

export const LinksQuery = Type.Object(
  {
    direction: Type.Optional(Type.Enum(['out', 'in', 'both'], { default: 'both' })),
    spanId: Type.Optional(SpanId),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
    cursor: Type.Optional(Type.String({ maxLength: 200 })),
  },
  { additionalProperties: false },
)
export type LinksQuery = Static<typeof LinksQuery>

export const LinksResponse = Type.Object({
  /** All links of the query, not of this page. */
  total: Type.Integer(),
  /** Above 30,000 links `total` is an estimate, mostly within 1 %. */
  isTotalEstimate: Type.Optional(Type.Literal(true)),
  links: Type.Array(TraceLink),
  /** Ask again with it for the next page; absent on the last. */
  nextCursor: Type.Optional(Type.String()),
})
export type LinksResponse = Static<typeof LinksResponse>
