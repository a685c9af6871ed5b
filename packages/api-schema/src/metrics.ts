import { Type, type Static } from 'typebox'
import { allowNull, defineParameters, describe } from './common/describe.ts'
import { Attributes } from './common/attributes.ts'
import { Duration, Nano, UnixNano } from './common/scalars.ts'

export const MetricType = Type.Enum(['gauge', 'sum', 'histogram', 'exponential-histogram', 'summary'])
export type MetricType = Static<typeof MetricType>

const Name = Type.String({ minLength: 1, maxLength: 1024 })

export const MetricsQuery = defineParameters({
  q: describe('Part of the OpenTelemetry or Prometheus name; ASCII letters match in either case.', Type.Optional(Name)),
  service: Type.Optional(Name),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, default: 1000 })),
})
export type MetricsQuery = Static<typeof MetricsQuery>

export const Metric = describe(
  'Metrics with the same name and different type, unit, temporality or monotonicity are separate entries.',
  Type.Object({
    name: Type.String(),
    prometheusName: describe(
      '`my_metrics_total` for the counter `my_metrics`; for histograms and summaries without `_bucket`, `_sum`, `_count`.',
      Type.String(),
    ),
    type: MetricType,
    unit: Type.String(),
    description: Type.String(),
    temporality: Type.Enum(['unspecified', 'delta', 'cumulative']),
    monotonic: Type.Boolean(),
    services: Type.Array(Type.String()),
    seriesCount: Type.Integer(),
  }),
)
export type Metric = Static<typeof Metric>

export const MetricsResponse = describe(
  'Sorted by name.',
  Type.Object({
    metrics: Type.Array(Metric),
    truncated: describe('More metrics match: filter by `q` or `service`.', Type.Optional(Type.Literal(true))),
  }),
)
export type MetricsResponse = Static<typeof MetricsResponse>

/** Selects one of several metrics with the same name. */
const variant = {
  type: describe(
    'Selects a metric by type. Default: the one with most series in the range.',
    Type.Optional(MetricType),
  ),
  unit: Type.Optional(Type.String({ maxLength: 1024 })),
}

export const MetricLabelsQuery = defineParameters({
  name: describe('OpenTelemetry or Prometheus name.', Name),
  service: Type.Optional(Name),
  ...variant,
})
export type MetricLabelsQuery = Static<typeof MetricLabelsQuery>

export const MetricLabelsResponse = describe(
  'Labels that the series of a metric can be filtered and grouped by: attributes of points by their key, of the resource as `resource.<key>`, of the scope as `scope.<key>`, and `service`, `otel.scope.name`, `otel.scope.version`.',
  Type.Object({
    labels: Type.Array(
      Type.Object({
        key: Type.String(),
        values: describe('The first 100, sorted.', Type.Array(Type.String())),
        valueCount: Type.Integer(),
      }),
    ),
  }),
)
export type MetricLabelsResponse = Static<typeof MetricLabelsResponse>

export const DistributionView = describe(
  'Values shown of a distribution (histogram, exponential histogram, summary): quantiles, mean, count or sum. `buckets` are counts by upper bound, for a heat map.',
  Type.Enum(['quantiles', 'mean', 'count', 'sum', 'buckets']),
)
export type DistributionView = Static<typeof DistributionView>

const Filter = Type.String({ minLength: 1, maxLength: 4096 })

export const MetricSeriesQuery = defineParameters({
  name: describe(
    'OpenTelemetry or Prometheus name. For a distribution, the suffixes `_count`, `_sum` and `_bucket` choose `view`.',
    Name,
  ),
  service: Type.Optional(Name),
  ...variant,
  filter: describe(
    '`label=value`. Repeatable. A label that the metric does not have is an error.',
    Type.Optional(Type.Union([Filter, Type.Array(Filter, { maxItems: 32 })])),
  ),
  groupBy: describe(
    'A label. Repeatable. Default: none, all series are aggregated. `*`: no aggregation.',
    Type.Optional(Type.Union([Name, Type.Array(Name, { maxItems: 16 })])),
  ),
  rate: describe(
    'For sums and for the views `count`, `sum` and `buckets`: per second (true) or increase per step (false). Default: true for monotonic sums and distributions. A non-monotonic cumulative sum has no rate.',
    Type.Optional(Type.Boolean()),
  ),
  aggregate: describe(
    'Aggregation of the series of a group. Default: `sum` for sums, `avg` for gauges. Distributions are merged.',
    Type.Optional(Type.Enum(['sum', 'avg', 'min', 'max'])),
  ),
  view: Type.Optional(DistributionView),
  quantiles: describe(
    'Quantiles from 0 to 1, separated by commas. Default: 0.5,0.95,0.99. A summary has the quantiles it was sent with.',
    Type.Optional(Type.String({ pattern: '^[0-9.]{1,20}(,[0-9.]{1,20}){0,15}$' })),
  ),
  start: describe('Default: an hour before `end`.', Type.Optional(UnixNano)),
  end: describe('Default: now.', Type.Optional(UnixNano)),
  step: describe(
    'Length of a step. Default: about 120 steps of at least 1s. At most 2,000 steps.',
    Type.Optional(Duration),
  ),
})
export type MetricSeriesQuery = Static<typeof MetricSeriesQuery>

export const MetricSeries = describe(
  '`groupBy` labels, plus `quantile` or `le` (upper bound) where the view has several lines per group.',
  Type.Object({
    labels: Type.Array(Type.Object({ key: Type.String(), value: Type.String() })),
    values: describe(
      'One value per step; `null` without data. `"NaN"`, `"Infinity"` and `"-Infinity"` are strings.',
      Type.Array(Type.Union([Type.Number(), Type.String(), Type.Null()])),
    ),
  }),
)
export type MetricSeries = Static<typeof MetricSeries>

export const Exemplar = Type.Object({
  timeUnixNano: UnixNano,
  value: Type.Union([Type.Number(), Type.String()]),
  traceId: describe('Empty when the exemplar has none. The trace may not be stored.', Type.String()),
  spanId: Type.String(),
  attributes: describe("Filtered attributes: those that the point's attributes leave out.", Attributes),
  service: Type.String(),
})
export type Exemplar = Static<typeof Exemplar>

export const MetricVariant = Type.Object({
  type: MetricType,
  unit: Type.String(),
  monotonic: Type.Boolean(),
  seriesCount: Type.Integer(),
})
export type MetricVariant = Static<typeof MetricVariant>

export const MetricSeriesResponse = Type.Object({
  name: Type.String(),
  prometheusName: Type.String(),
  type: MetricType,
  unit: describe('Unit as sent. A rate is per second; `count` and `buckets` count values.', Type.String()),
  description: Type.String(),
  variants: describe(
    'Metrics of this name that have points in the range and match the filters; the one shown is first. Choose another by `type` and `unit`.',
    Type.Array(MetricVariant),
  ),
  rate: Type.Boolean(),
  view: allowNull(DistributionView),
  startTimeUnixNano: describe(
    'Step `i` begins at `startTimeUnixNano + i * stepNano` (exclusive) and ends one step later (inclusive).',
    UnixNano,
  ),
  stepNano: Nano,
  series: Type.Array(MetricSeries),
  exemplars: describe('A sample of at most 500 exemplars of the shown points.', Type.Array(Exemplar)),
  truncated: describe(
    'A limit was reached: filter, group or request a shorter range.',
    Type.Optional(Type.Literal(true)),
  ),
})
export type MetricSeriesResponse = Static<typeof MetricSeriesResponse>
