import { Type, type Static } from 'typebox'
import { SpanId, SpanKind, TraceId, UnixNano } from './common/scalars.ts'
import { Span, SpanSource } from './traces.ts'

/**
 * Base64 of the values' bytes one after the other, little-endian: a tenth of the time that arrays
 * of numbers take to write and read.
 */
const Column = Type.String()

/**
 * A trace without attributes, in columns, small enough to open a hundred thousand spans at once.
 * Entry `i` of every column is of span `i`, in order of start.
 */
export const TraceSkeleton = Type.Object({
  traceId: TraceId,
  startTimeUnixNano: UnixNano,
  count: Type.Integer(),
  /** 16 hex digits a span, one after the other. */
  spanIds: Type.String(),
  /**
   * 32-bit integers: index of the parent; -1 for a root, -2 when the span names a parent that is
   * not here.
   */
  parent: Column,
  services: Type.Array(Type.String()),
  /** 32-bit integers: index into `services`. */
  service: Column,
  names: Type.Array(Type.String()),
  /** 32-bit integers: index into `names`. */
  name: Column,
  /** Bytes: 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  kind: Column,
  /** Bytes: 0 unset, 1 ok, 2 error. */
  status: Column,
  /** 64-bit floats: nanoseconds after `startTimeUnixNano`. */
  start: Column,
  /** 64-bit floats: nanoseconds; negative when a clock stepped back. */
  duration: Column,
  /** Only spans that have any: pairs of index and how many. */
  linksOut: Type.Array(Type.Integer()),
  linksIn: Type.Array(Type.Integer()),
  /** Pairs of index and nanoseconds after `startTimeUnixNano`; at most 500 of a span. */
  events: Type.Array(Type.Number()),
  /** There are more spans than the answer holds; those it holds are the earliest. */
  truncated: Type.Optional(Type.Literal(true)),
})
export type TraceSkeleton = Static<typeof TraceSkeleton>

export const SpanParams = Type.Object({ traceId: TraceId, spanId: SpanId }, { additionalProperties: false })

export const SpanQuery = Type.Object(
  {
    /** With `service`: which of several spans that share the id. */
    kind: Type.Optional(SpanKind),
    service: Type.Optional(Type.String({ maxLength: 1024 })),
  },
  { additionalProperties: false },
)
export type SpanQuery = Static<typeof SpanQuery>

export const SpanResponse = Type.Object({
  traceId: TraceId,
  span: Span,
  /** Resource and scope of the span; `null` when they are not here (yet). */
  source: Type.Union([SpanSource, Type.Null()]),
  /** Other spans with this id in the trace, as both sides of a call have it under B3. */
  alsoSharedBy: Type.Optional(Type.Array(Type.Object({ kind: SpanKind, service: Type.String() }))),
})
export type SpanResponse = Static<typeof SpanResponse>

export const FindSpansQuery = Type.Object(
  {
    /**
     * Looked for in names, services, status messages, attributes and events, in any case of ASCII
     * letters.
     */
    text: Type.String({ minLength: 1, maxLength: 1024 }),
  },
  { additionalProperties: false },
)
export type FindSpansQuery = Static<typeof FindSpansQuery>

export const FindSpansResponse = Type.Object({
  spanIds: Type.Array(SpanId),
  /** There are more than 10,000; these are the earliest. */
  truncated: Type.Optional(Type.Literal(true)),
})
export type FindSpansResponse = Static<typeof FindSpansResponse>
