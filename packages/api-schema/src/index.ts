export { AnyValue, Attributes, KeyValue } from './common/attributes.ts'
export {
  CriticalPath,
  FlowResponse,
  FlowEdge,
  FlowEnd,
  FlowLane,
  FlowOrigin,
  FlowParams,
  FlowQuery,
  FlowSpan,
  FlowStatistics,
  FlowTitle,
  FlowTruncated,
  JoinedWith,
  MessagingOperation,
  MissingConsumer,
  PathSegment,
  PathShare,
} from './flow.ts'
export { LinkedSpan, LinksResponse, LinksParams, LinksQuery, SpanLink, TraceLink } from './links.ts'
export { LogRecord, LogsResponse, LogsQuery, Severity } from './logs.ts'
export { Message, MessageList, MessagesResponse, MessageSpan, MessagesParams, MessagesQuery } from './messages.ts'
export {
  DistributionView,
  Exemplar,
  Metric,
  MetricLabelsResponse,
  MetricLabelsQuery,
  MetricSeries,
  MetricSeriesResponse,
  MetricSeriesQuery,
  MetricsResponse,
  MetricsQuery,
  MetricType,
  MetricVariant,
} from './metrics.ts'
export { OperationsResponse, OperationsQuery, ServicesResponse } from './names.ts'
export { Problem } from './common/problem.ts'
export { RecordMetadata } from './common/record.ts'
export { Duration, Nano, SpanId, SpanKind, StatusCode, TraceId, UnixNano } from './common/scalars.ts'
export { SearchedRange } from './common/searched.ts'
export { FindSpansResponse, FindSpansQuery, SpanResponse, SpanParams, SpanQuery, TraceSkeleton } from './skeleton.ts'
export { ReadyResponse, StatusResponse } from './status.ts'
export { Quantiles, TopologyResponse, TopologyEdge, TopologyLag, TopologyNode, TopologyQuery } from './topology.ts'
export {
  AttributesResponse,
  AttributesQuery,
  CompletionResponse,
  CompletionQuery,
  HeatmapResponse,
  HeatmapQuery,
  SeriesResponse,
  SeriesQuery,
} from './traceql.ts'
export {
  FoundTrace,
  MatchedSpans,
  ServiceCount,
  Span,
  SpanEvent,
  SpanSource,
  TraceResponse,
  TraceParams,
  TraceSummary,
  TracesResponse,
  TracesQuery,
} from './traces.ts'
