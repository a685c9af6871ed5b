import {
  FlowQuery,
  FlowResponse,
  HeatmapQuery,
  HeatmapResponse,
  LogsQuery,
  LogsResponse,
  MessagesParams,
  MessagesQuery,
  MessagesResponse,
  MetricLabelsQuery,
  MetricLabelsResponse,
  MetricSeriesQuery,
  MetricSeriesResponse,
  MetricsQuery,
  MetricsResponse,
  OperationsQuery,
  OperationsResponse,
  ReadyResponse,
  ServicesResponse,
  StatusResponse,
  TopologyQuery,
  TopologyResponse,
  TraceParams,
} from '@spanlink/api-schema'
import type { Store } from '../../clickhouse/store.ts'
import { findFlow } from '../../query/flows/find-flow.ts'
import { findLogs } from '../../query/logs/find-logs.ts'
import { findMessages } from '../../query/messages/find-messages.ts'
import { findMetricSeries } from '../../query/metrics/find-series.ts'
import { listMetricLabels } from '../../query/metrics/metric-labels.ts'
import { listMetrics } from '../../query/metrics/metric-names.ts'
import { findTopology } from '../../query/topology/find-topology.ts'
import { findHeatmap } from '../../query/traces/heatmap.ts'
import { listOperations, listServices } from '../../query/traces/names.ts'
import { attributeEndpoints } from './attributes.ts'
import { type Endpoint, endpoint } from './endpoint.ts'
import { seriesEndpoints } from './series.ts'
import type { StatusSource } from './status.ts'
import { traceEndpoints } from './traces.ts'

/** The native API, in the order OpenAPI lists it. */
export function endpoints(store: Store, status: StatusSource): readonly Endpoint[] {
  return [
    {
      path: '/api/ready',
      role: 'public',
      summary: 'Whether the server is ready',
      response: ReadyResponse,
      handle: async () => {
        const body = status.ready()
        return { status: body.ready ? 200 : 503, body }
      },
    },
    endpoint({
      path: '/api/status',
      role: 'read',
      summary: 'Version, ClickHouse, journal, counts and ports',
      response: StatusResponse,
      find: ({ requestHost }) => status.status(requestHost),
    }),
    endpoint({
      path: '/api/services',
      role: 'read',
      summary: 'Names of services',
      response: ServicesResponse,
      find: ({ options }) => listServices(store, options),
    }),
    endpoint({
      path: '/api/operations',
      role: 'read',
      summary: 'Span names, of one service or of all',
      query: OperationsQuery,
      response: OperationsResponse,
      find: ({ query, options }) => listOperations(store, query, options),
    }),
    ...traceEndpoints(store),
    ...attributeEndpoints(store),
    ...seriesEndpoints(store),
    endpoint({
      path: '/api/heatmap',
      role: 'read',
      summary: 'Matching spans, counted by start time and duration',
      query: HeatmapQuery,
      response: HeatmapResponse,
      find: ({ query, options }) => findHeatmap(store, query, options),
    }),
    endpoint({
      path: '/api/flows/{traceId}',
      role: 'read',
      summary: 'The flow of a trace: what its event caused, with the critical path',
      params: TraceParams,
      query: FlowQuery,
      response: FlowResponse,
      find: ({ params, query, options }) => findFlow(store, params.traceId, query, options),
      notFound: ({ params }) => `Trace ${params.traceId} not found, and no link points to it.`,
    }),
    endpoint({
      path: '/api/logs',
      role: 'read',
      summary: 'Log records that match all conditions',
      query: LogsQuery,
      response: LogsResponse,
      find: ({ query, options }) => findLogs(store, query, options),
    }),
    endpoint({
      path: '/api/metrics',
      role: 'read',
      summary: 'Metrics, with OpenTelemetry and Prometheus names',
      query: MetricsQuery,
      response: MetricsResponse,
      find: ({ query, options }) => listMetrics(store, query, options),
    }),
    endpoint({
      path: '/api/metrics/labels',
      role: 'read',
      summary: 'Labels by which a metric can be filtered and grouped',
      query: MetricLabelsQuery,
      response: MetricLabelsResponse,
      find: ({ query, options }) => listMetricLabels(store, query, options),
      notFound: ({ query }) => `Metric ${query.name} not found.`,
    }),
    endpoint({
      path: '/api/metrics/series',
      role: 'read',
      summary: 'A metric over time, with exemplars',
      query: MetricSeriesQuery,
      response: MetricSeriesResponse,
      find: ({ query, options }) => findMetricSeries(store, query, options),
      notFound: ({ query }) => `Metric ${query.name} not found.`,
    }),
    endpoint({
      path: '/api/topology',
      role: 'read',
      summary: 'Services, topics and consumer groups, with rate, errors, duration and queue time between them',
      query: TopologyQuery,
      response: TopologyResponse,
      find: ({ query, options }) => findTopology(store, query, options),
    }),
    endpoint({
      path: '/api/messages/{list}',
      role: 'read',
      summary: 'Messages that are unconsumed, late, redelivered, retried or dead-lettered',
      params: MessagesParams,
      query: MessagesQuery,
      response: MessagesResponse,
      find: ({ params, query, options }) => findMessages(store, params.list, query, options),
    }),
  ]
}
