export { AnyValue, Attributes, KeyValue } from './common/attributes.ts'
export {
  CriticalPath,
  FlowAnswer,
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
export { LinkedSpan, LinksAnswer, LinksParams, LinksQuery, SpanLink, TraceLink } from './links.ts'
export { LogRecord, LogsAnswer, LogsQuery, Severity } from './logs.ts'
export { Message, MessageList, MessagesAnswer, MessageSpan, MessagesParams, MessagesQuery } from './messages.ts'
export {
  DistributionView,
  Exemplar,
  Metric,
  MetricLabelsAnswer,
  MetricLabelsQuery,
  MetricSeries,
  MetricSeriesAnswer,
  MetricSeriesQuery,
  MetricsAnswer,
  MetricsQuery,
  MetricType,
  MetricVariant,
} from './metrics.ts'
export { OperationsAnswer, OperationsQuery, ServicesAnswer } from './names.ts'
export { Problem } from './common/problem.ts'
export { RecordMetadata } from './common/record.ts'
export { Duration, Nano, SpanId, SpanKind, StatusCode, TraceId, UnixNano } from './common/scalars.ts'
export { SearchedRange } from './common/searched.ts'
export { FindSpansAnswer, FindSpansQuery, SpanAnswer, SpanParams, SpanQuery, TraceSkeleton } from './skeleton.ts'
export { ReadyAnswer, StatusAnswer } from './status.ts'
export { Quantiles, TopologyAnswer, TopologyEdge, TopologyLag, TopologyNode, TopologyQuery } from './topology.ts'
export {
  AttributesAnswer,
  AttributesQuery,
  CompletionAnswer,
  CompletionQuery,
  HeatmapAnswer,
  HeatmapQuery,
  SeriesAnswer,
  SeriesQuery,
} from './traceql.ts'
export {
  FoundTrace,
  MatchedSpans,
  ServiceCount,
  Span,
  SpanEvent,
  SpanSource,
  TraceAnswer,
  TraceParams,
  TraceSummary,
  TracesAnswer,
  TracesQuery,
} from './traces.ts'
