import {
  MetricLabelsResponse,
  MetricLabelsQuery,
  MetricsResponse,
  MetricSeriesResponse,
  MetricSeriesQuery,
  MetricsQuery,
} from '@spanlink/api-schema'
import { findMetricSeries } from '../../query/metrics/find-series.ts'
import { listMetricLabels } from '../../query/metrics/metric-labels.ts'
import { listMetrics } from '../../query/metrics/metric-names.ts'
import type { Store } from '../../clickhouse/store.ts'
import { createNotFound, type Endpoint, endpoint } from './endpoint.ts'

export function metricEndpoints(store: Store): readonly Endpoint[] {
  return [
    endpoint({
      path: '/api/metrics',
      summary: 'Metrics, with OpenTelemetry and Prometheus names',
      query: MetricsQuery,
      response: MetricsResponse,
      handle: async ({ query, signal }) => ({ status: 200, body: await listMetrics(store, query, { signal }) }),
    }),
    endpoint({
      path: '/api/metrics/labels',
      summary: 'Labels by which a metric can be filtered and grouped',
      query: MetricLabelsQuery,
      response: MetricLabelsResponse,
      handle: async ({ query, signal }) => orUnknown(query.name, await listMetricLabels(store, query, { signal })),
    }),
    endpoint({
      path: '/api/metrics/series',
      summary: 'A metric over time, with exemplars',
      query: MetricSeriesQuery,
      response: MetricSeriesResponse,
      handle: async ({ query, signal }) => orUnknown(query.name, await findMetricSeries(store, query, { signal })),
    }),
  ]
}

function orUnknown<Body>(
  name: string,
  body: Body | undefined,
): { readonly status: 200; readonly body: Body } | { readonly status: 404; readonly detail: string } {
  return body === undefined ? createNotFound(`Metric ${name} not found.`) : { status: 200, body }
}
