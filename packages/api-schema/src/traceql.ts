import { Type, type Static } from 'typebox'
import { allowNull, defineParameters, describe } from './common/describe.ts'
import { Duration, Nano, SpanId, TraceId, UnixNano } from './common/scalars.ts'
import { SearchedRange } from './common/searched.ts'
import { TracesQuery } from './traces.ts'

const Text = Type.String({ maxLength: 8192 })
const Limit = Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100 }))

export const AttributesQuery = defineParameters({
  key: describe(
    'A TraceQL field such as `span.http.method`, `.topic` or `name`: returns its values instead of names.',
    Type.Optional(Type.String({ minLength: 1, maxLength: 1024 })),
  ),
  scope: Type.Optional(Type.Enum(['span', 'resource', 'event', 'link', 'instrumentation'])),
  prefix: describe('Prefix of names or values, in either case.', Type.Optional(Type.String({ maxLength: 1024 }))),
  q: describe(
    'A TraceQL filter on single spans, `{ … }`: only names and values of matching spans.',
    Type.Optional(Text),
  ),
  start: Type.Optional(UnixNano),
  end: Type.Optional(UnixNano),
  limit: Limit,
})

export const AttributesResponse = describe(
  'Most used first, of the newest spans.',
  Type.Object({
    attributes: describe(
      'Without `key`: names as TraceQL fields, and split into scope and key.',
      Type.Optional(Type.Array(Type.Object({ field: Type.String(), scope: Type.String(), key: Type.String() }))),
    ),
    values: describe('With `key`: its values as strings.', Type.Optional(Type.Array(Type.String()))),
    // Incomplete: a sample of a large range, or `limit` was reached.
    ...SearchedRange.properties,
  }),
)
export type AttributesResponse = Static<typeof AttributesResponse>

export const CompletionQuery = defineParameters({
  q: Text,
  caret: Type.Integer({ minimum: 0, maximum: 8192 }),
  start: Type.Optional(UnixNano),
  end: Type.Optional(UnixNano),
})
export type CompletionQuery = Static<typeof CompletionQuery>

export const CompletionResponse = describe(
  'Completions at the caret: `text` of an option replaces `q` from `from` to `to` (UTF-16 units).',
  Type.Object({
    from: Type.Integer(),
    to: Type.Integer(),
    options: Type.Array(
      Type.Object({
        text: Type.String(),
        kind: Type.Enum(['attribute', 'scope', 'intrinsic', 'operator', 'value', 'function', 'punctuation']),
      }),
    ),
    error: describe(
      'Error in the query and its position; absent for a valid query.',
      Type.Optional(Type.Object({ message: Type.String(), from: Type.Integer(), to: Type.Integer() })),
    ),
  }),
)
export type CompletionResponse = Static<typeof CompletionResponse>

export const SeriesQuery = defineParameters({
  q: describe('A TraceQL metrics query.', Type.String({ minLength: 1, maxLength: 8192 })),
  start: describe('Default: an hour before `end`.', Type.Optional(UnixNano)),
  end: describe('Default: now.', Type.Optional(UnixNano)),
  step: describe('Length of an interval. Default: a sixtieth of the requested range.', Type.Optional(Duration)),
  exemplars: describe(
    'Maximum number of exemplar spans; `with (exemplars=…)` in the query takes precedence.',
    Type.Optional(Type.Integer({ minimum: 0, maximum: 500, default: 0 })),
  ),
})

export const SeriesResponse = Type.Object({
  startTimeUnixNano: UnixNano,
  endTimeUnixNano: UnixNano,
  stepNano: Nano,
  lastStepNano: describe(
    'Length of the last interval where it is shorter: cut by `endTimeUnixNano`, or still open. rate() divides by it, at least by one second.',
    Type.Optional(Nano),
  ),
  series: Type.Array(
    Type.Object({
      labels: describe(
        'Values of `by()`, `null` where spans have none. `p` is a quantile, `__bucket` the upper bound of a bucket. `type` is absent for strings.',
        Type.Array(
          Type.Object({
            key: Type.String(),
            value: allowNull(Type.String()),
            type: Type.Optional(Type.Enum(['int', 'float', 'bool'])),
          }),
        ),
      ),
      points: describe(
        'In order of time, each at the start of its interval. Intervals without a value are absent.',
        Type.Array(Type.Object({ timeUnixNano: UnixNano, value: Type.Number() })),
      ),
      exemplars: describe(
        "Only when requested. Start of the span and its value, or the point's value where spans are counted.",
        Type.Optional(
          Type.Array(Type.Object({ timeUnixNano: UnixNano, value: Type.Number(), traceId: TraceId, spanId: SpanId })),
        ),
      ),
    }),
  ),
  warnings: describe('Limits that the query reached, and how to change it.', Type.Array(Type.String())),
  ...SearchedRange.properties,
})
export type SeriesResponse = Static<typeof SeriesResponse>

const { service, operation, minDuration, maxDuration, status, q } = TracesQuery.properties

export const HeatmapQuery = defineParameters({
  q,
  service,
  operation,
  minDuration,
  maxDuration,
  status,
  start: UnixNano,
  end: UnixNano,
  columns: describe(
    'Number of columns over the range.',
    Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 120 })),
  ),
})
export type HeatmapQuery = Static<typeof HeatmapQuery>

export const HeatmapResponse = describe(
  'Number of matching spans by start and duration. Without a filter: root spans only.',
  Type.Object({
    startTimeUnixNano: UnixNano,
    stepNano: Nano,
    columns: Type.Integer(),
    cells: describe(
      'Non-empty cells. Durations of a cell are above `fromNano` and at most `toNano`.',
      Type.Array(
        Type.Object({ column: Type.Integer(), fromNano: Type.Number(), toNano: Type.Number(), count: Type.Integer() }),
      ),
    ),
    warnings: describe('Limits that the query reached, and how to change it.', Type.Array(Type.String())),
    ...SearchedRange.properties,
  }),
)
export type HeatmapResponse = Static<typeof HeatmapResponse>
