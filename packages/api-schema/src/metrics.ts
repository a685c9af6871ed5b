import { Type, type Static } from 'typebox'
import { Attributes } from './common/attributes.ts'
import { Duration, Nano, UnixNano } from './common/scalars.ts'

export const MetricType = Type.Enum(['gauge', 'sum', 'histogram', 'exponential-histogram', 'summary'])
export type MetricType = Static<typeof MetricType>

const Name = Type.String({ minLength: 1, maxLength: 1024 })

export const MetricsQuery = Type.Object(
  {
    /** Part of the OpenTelemetry or of the Prometheus name, in any case of ASCII letters. */
    q: Type.Optional(Name),
    service: Type.Optional(Name),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, default: 1000 })),
  },
  { additionalProperties: false },
)
export type MetricsQuery = Static<typeof MetricsQuery>

/**
 * Metrics of one name that differ in type, unit, temporality or monotonicity are different ones.
 */
export const Metric = Type.Object({
  name: Type.String(),
  /**
   * `my_metrics_total` for the counter `my_metrics`; for histograms and summaries without
   * `_bucket`, `_sum`, `_count`.
   */
  prometheusName: Type.String(),
  type: MetricType,
  unit: Type.String(),
  description: Type.String(),
  temporality: Type.Enum(['unspecified', 'delta', 'cumulative']),
  monotonic: Type.Boolean(),
  services: Type.Array(Type.String()),
  seriesCount: Type.Integer(),
})
export type Metric = Static<typeof Metric>

/** In order of name. */
export const MetricsResponse = Type.Object({
  metrics: Type.Array(Metric),
  /** There are more; ask with `q` or `service`. */
  truncated: Type.Optional(Type.Literal(true)),
})
export type MetricsResponse = Static<typeof MetricsResponse>

/**
 * Choose among metrics that share a name. Default: the one with most series in the requested range.
 */
const variant = {
  type: Type.Optional(MetricType),
  unit: Type.Optional(Type.String({ maxLength: 1024 })),
}

export const MetricLabelsQuery = Type.Object(
  {
    /** OpenTelemetry or Prometheus name. */
    name: Name,
    service: Type.Optional(Name),
    ...variant,
  },
  { additionalProperties: false },
)
export type MetricLabelsQuery = Static<typeof MetricLabelsQuery>

/**
 * What the series of a metric can be filtered and grouped by. Attributes of points by their own
 * key, those of the resource as `resource.<key>`, of the scope as `scope.<key>`, and `service`,
 * `otel.scope.name`, `otel.scope.version`.
 */
export const MetricLabelsResponse = Type.Object({
  labels: Type.Array(
    Type.Object({
      key: Type.String(),
      /** The first 100, in order. */
      values: Type.Array(Type.String()),
      valueCount: Type.Integer(),
    }),
  ),
})
export type MetricLabelsResponse = Static<typeof MetricLabelsResponse>

/**
 * What of a distribution (histogram, exponential histogram, summary) is drawn: its quantiles, its
 * mean, how many values it took, or their sum; `buckets` are counts by upper bound, for a heat map.
 */
export const DistributionView = Type.Enum(['quantiles', 'mean', 'count', 'sum', 'buckets'])
export type DistributionView = Static<typeof DistributionView>

const Filter = Type.String({ minLength: 1, maxLength: 4096 })

export const MetricSeriesQuery = Type.Object(
  {
    /**
     * OpenTelemetry or Prometheus name; of a distribution also with `_count`, `_sum` or `_bucket`,
     * which choose `view`.
     */
    name: Name,
    service: Type.Optional(Name),
    ...variant,
    /**
     * `label=value`; several by repeating it. A label that the metric does not have is an error.
     */
    filter: Type.Optional(Type.Union([Filter, Type.Array(Filter, { maxItems: 32 })])),
    /**
     * A label; several by repeating it. Default: none, all series become one. `*`: every series on
     * its own.
     */
    groupBy: Type.Optional(Type.Union([Name, Type.Array(Name, { maxItems: 16 })])),
    /**
     * Of sums, and of `count`, `sum` and `buckets`: per second (true) or the increase in each step
     * (false). Default: true for monotonic sums and for distributions. A non-monotonic cumulative
     * sum is shown as its value and knows no rate.
     */
    rate: Type.Optional(Type.Boolean()),
    /**
     * How the series of a group become one. Default: `sum` for sums, `avg` for gauges.
     * Distributions are merged.
     */
    aggregate: Type.Optional(Type.Enum(['sum', 'avg', 'min', 'max'])),
    view: Type.Optional(DistributionView),
    /**
     * 0 to 1, comma between. Default: 0.5,0.95,0.99. Those of a summary are the ones it was sent
     * with.
     */
    quantiles: Type.Optional(Type.String({ pattern: '^[0-9.]{1,20}(,[0-9.]{1,20}){0,15}$' })),
    /** Default: an hour before `end`. */
    start: Type.Optional(UnixNano),
    /** Default: now. */
    end: Type.Optional(UnixNano),
    /** Default: as long as gives about 120 steps, 1s at least. No more than 2,000 steps. */
    step: Type.Optional(Duration),
  },
  { additionalProperties: false },
)
export type MetricSeriesQuery = Static<typeof MetricSeriesQuery>

/**
 * Labels that it was grouped by, and `quantile` or `le` (upper bound) where the view has several
 * lines a group.
 */
export const MetricSeries = Type.Object({
  labels: Type.Array(Type.Object({ key: Type.String(), value: Type.String() })),
  /**
   * One a step; `null` where nothing was sent. `"NaN"`, `"Infinity"` and `"-Infinity"` where such a
   * value was.
   */
  values: Type.Array(Type.Union([Type.Number(), Type.String(), Type.Null()])),
})
export type MetricSeries = Static<typeof MetricSeries>

export const Exemplar = Type.Object({
  timeUnixNano: UnixNano,
  value: Type.Union([Type.Number(), Type.String()]),
  /** Empty when the sender had none. The trace may not be here. */
  traceId: Type.String(),
  spanId: Type.String(),
  /** Those that the point's own attributes leave out. */
  attributes: Attributes,
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
  /** As sent; of a rate it is per second, of `count` and `buckets` a number of values. */
  unit: Type.String(),
  description: Type.String(),
  /**
   * Every metric of this name that has points in the range and matches the filters, the one shown
   * first. Choose another by `type` and `unit`.
   */
  variants: Type.Array(MetricVariant),
  rate: Type.Boolean(),
  view: Type.Union([DistributionView, Type.Null()]),
  /**
   * Step `i` is from `startTimeUnixNano + i * stepNano` to one step later; the end belongs to it,
   * the start doesn't.
   */
  startTimeUnixNano: UnixNano,
  stepNano: Nano,
  series: Type.Array(MetricSeries),
  /** Those of points in view, at most 500, evenly over time. */
  exemplars: Type.Array(Exemplar),
  /** There is more than one answer may hold: filter, group or ask for less time. */
  truncated: Type.Optional(Type.Literal(true)),
})
export type MetricSeriesResponse = Static<typeof MetricSeriesResponse>
