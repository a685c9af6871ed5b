import { Type, type Static } from 'typebox'
import { Duration, Nano, SpanId, TraceId, UnixNano } from './common/scalars.ts'
import { SearchedRange } from './common/searched.ts'
import { TracesQuery } from './traces.ts'

const Text = Type.String({ maxLength: 8192 })
const Limit = Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100 }))

export const AttributesQuery = Type.Object(
  {
    /**
     * A field as TraceQL spells it, such as `span.http.method`, `.topic`, `name`: its values are
     * asked for, not names.
     */
    key: Type.Optional(Type.String({ minLength: 1, maxLength: 1024 })),
    scope: Type.Optional(Type.Enum(['span', 'resource', 'event', 'link', 'instrumentation'])),
    /** What names or values begin with, in any case. */
    prefix: Type.Optional(Type.String({ maxLength: 1024 })),
    /**
     * A TraceQL filter about single spans, `{ … }`: only names and values of spans that match it.
     */
    q: Type.Optional(Text),
    start: Type.Optional(UnixNano),
    end: Type.Optional(UnixNano),
    limit: Limit,
  },
  { additionalProperties: false },
)
export type AttributesQuery = Static<typeof AttributesQuery>

/** Most used first, out of the newest spans. */
export const AttributesResponse = Type.Object({
  /** Without `key`: names, as TraceQL spells them and taken apart. */
  attributes: Type.Optional(
    Type.Array(Type.Object({ field: Type.String(), scope: Type.String(), key: Type.String() })),
  ),
  /** With `key`: its values, as text. */
  values: Type.Optional(Type.Array(Type.String())),
  /**
   * Of large ranges a sample is read, and no more names or values than `limit`: then it is not
   * complete.
   */
  ...SearchedRange.properties,
})
export type AttributesResponse = Static<typeof AttributesResponse>

export const CompletionQuery = Type.Object(
  {
    q: Text,
    caret: Type.Integer({ minimum: 0, maximum: 8192 }),
    start: Type.Optional(UnixNano),
    end: Type.Optional(UnixNano),
  },
  { additionalProperties: false },
)
export type CompletionQuery = Static<typeof CompletionQuery>

/**
 * What can stand at the caret: an option's `text` takes the place of `q` from `from` to `to`
 * (UTF-16 units).
 */
export const CompletionResponse = Type.Object({
  from: Type.Integer(),
  to: Type.Integer(),
  options: Type.Array(
    Type.Object({
      text: Type.String(),
      kind: Type.Enum(['attribute', 'scope', 'intrinsic', 'operator', 'value', 'function', 'punctuation']),
    }),
  ),
  /** What is wrong with the whole query, and where; absent when it can be run. */
  error: Type.Optional(Type.Object({ message: Type.String(), from: Type.Integer(), to: Type.Integer() })),
})
export type CompletionResponse = Static<typeof CompletionResponse>

export const SeriesQuery = Type.Object(
  {
    /** A TraceQL metrics query. */
    q: Type.String({ minLength: 1, maxLength: 8192 }),
    /** Default: an hour before `end`. */
    start: Type.Optional(UnixNano),
    /** Default: now. */
    end: Type.Optional(UnixNano),
    /** Length of an interval. Default: a sixtieth of the time asked for. */
    step: Type.Optional(Duration),
    /**
     * Spans shown that points are made of, at most; `with (exemplars=…)` in the query goes before
     * it.
     */
    exemplars: Type.Optional(Type.Integer({ minimum: 0, maximum: 500, default: 0 })),
  },
  { additionalProperties: false },
)
export type SeriesQuery = Static<typeof SeriesQuery>

export const SeriesResponse = Type.Object({
  startTimeUnixNano: UnixNano,
  endTimeUnixNano: UnixNano,
  stepNano: Nano,
  /**
   * How long the last interval is, where `endTimeUnixNano` cuts it or it is not over: rate() is
   * over so much, a second at least.
   */
  lastStepNano: Type.Optional(Nano),
  series: Type.Array(
    Type.Object({
      /**
       * Values of `by()`, `null` where spans have none; `p` is a quantile, `__bucket` the upper
       * bound of a bucket. `type` is there where it is no text.
       */
      labels: Type.Array(
        Type.Object({
          key: Type.String(),
          value: Type.Union([Type.String(), Type.Null()]),
          type: Type.Optional(Type.Enum(['int', 'float', 'bool'])),
        }),
      ),
      /** At the start of its interval, in order of time; intervals without a value are left out. */
      points: Type.Array(Type.Object({ timeUnixNano: UnixNano, value: Type.Number() })),
      /**
       * Where they are asked for: when the span started, and what it gave; the point's value where
       * spans are only counted.
       */
      exemplars: Type.Optional(
        Type.Array(Type.Object({ timeUnixNano: UnixNano, value: Type.Number(), traceId: TraceId, spanId: SpanId })),
      ),
    }),
  ),
  /** What was left out and what to do about it. */
  cuts: Type.Array(Type.String()),
  ...SearchedRange.properties,
})
export type SeriesResponse = Static<typeof SeriesResponse>

const { service, operation, minDuration, maxDuration, status, q } = TracesQuery.properties

export const HeatmapQuery = Type.Object(
  {
    q,
    service,
    operation,
    minDuration,
    maxDuration,
    status,
    start: UnixNano,
    end: UnixNano,
    /** Columns over the time range. */
    columns: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 120 })),
  },
  { additionalProperties: false },
)
export type HeatmapQuery = Static<typeof HeatmapQuery>

/**
 * How many spans that match started when and took how long. Without any filter, of roots only: one
 * a trace.
 */
export const HeatmapResponse = Type.Object({
  startTimeUnixNano: UnixNano,
  stepNano: Nano,
  columns: Type.Integer(),
  /**
   * Only cells with spans in them. Spans of a cell are longer than `from` and no longer than `to`
   * nanoseconds.
   */
  cells: Type.Array(
    Type.Object({ column: Type.Integer(), from: Type.Number(), to: Type.Number(), count: Type.Integer() }),
  ),
  /** What was left out and what to do about it. */
  cuts: Type.Array(Type.String()),
  ...SearchedRange.properties,
})
export type HeatmapResponse = Static<typeof HeatmapResponse>
