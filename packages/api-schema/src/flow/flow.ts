import { Type, type Static } from 'typebox'
import { allowNull, defineParameters, describe } from '../common/describe.ts'
import { MissingParts } from '../common/searched.ts'
import { Nano, SpanId, SpanKind, StatusCode, TraceId, UnixNano } from '../common/scalars.ts'
import { ServiceCount } from '../traces.ts'

export const FlowQuery = defineParameters({
  maxTraces: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 200 })),
  maxDepth: describe(
    'Maximum distance from the opened trace, in links.',
    Type.Optional(Type.Integer({ minimum: 0, maximum: 64, default: 16 })),
  ),
  spanId: describe('Span at the end of the critical path. Default: the span that ends last.', Type.Optional(SpanId)),
  includeJoined: describe(
    'Includes other events whose messages share a batch with this flow, up to their origins.',
    Type.Optional(Type.Boolean({ default: false })),
  ),
  cursor: Type.Optional(Type.String({ maxLength: 200 })),
})
export type FlowQuery = Static<typeof FlowQuery>

export const MessagingOperation = describe(
  'Messaging operation of a span, normalized over all versions of the semantic conventions. `none`: not a messaging span.',
  Type.Enum(['none', 'create', 'send', 'receive', 'process', 'settle']),
)
export type MessagingOperation = Static<typeof MessagingOperation>

export const FlowOrigin = describe(
  'A trace upstream of the opened one without a known cause: where an event began.',
  Type.Object({
    traceId: TraceId,
    rootService: describe(
      'Service of its root span. Empty, like the name, with time 0 while none of its spans is stored.',
      Type.String(),
    ),
    rootName: Type.String(),
    startTimeUnixNano: UnixNano,
  }),
)
export type FlowOrigin = Static<typeof FlowOrigin>

export const JoinedWith = describe(
  "Other events whose messages were consumed in the same batch as this flow's.",
  Type.Object({
    count: describe('Number of their traces.', Type.Integer()),
    examples: describe(
      'The span that sent a message, and the root of its trace: empty while not stored.',
      Type.Array(
        Type.Object({ traceId: TraceId, spanId: SpanId, rootService: Type.String(), rootName: Type.String() }),
      ),
    ),
  }),
)
export type JoinedWith = Static<typeof JoinedWith>

export const FlowSpan = describe(
  'A span at either end of an edge, or the first span of a lane.',
  Type.Object({
    spanId: SpanId,
    parentSpanId: describe('Empty for a root. The parent may be in another lane, where a trace is cut.', Type.String()),
    service: Type.String(),
    name: Type.String(),
    kind: SpanKind,
    status: StatusCode,
    startTimeUnixNano: UnixNano,
    endTimeUnixNano: UnixNano,
    operation: MessagingOperation,
    topic: describe('`messaging.destination.name`; empty when the span has none.', Type.String()),
    consumerGroup: Type.String(),
  }),
)
export type FlowSpan = Static<typeof FlowSpan>

export const FlowLane = describe(
  'Work without a queue in between: a trace, or a part of one. Traces are cut where a consumer is the child of its producer, so link mode and parent mode give the same lanes.',
  Type.Object({
    id: describe(
      'The trace id, or `<traceId>-<spanId of the first span>` for a part that begins at a consumer.',
      Type.String(),
    ),
    traceId: TraceId,
    rootSpanId: describe(
      'The root of the lane, or its earliest span while the root is missing (`rootMissing`).',
      SpanId,
    ),
    rootService: Type.String(),
    rootName: Type.String(),
    rootMissing: Type.Boolean(),
    startTimeUnixNano: UnixNano,
    endTimeUnixNano: describe('End of the span that ends last.', UnixNano),
    durationNano: Nano,
    spanCount: Type.Integer(),
    errorCount: Type.Integer(),
    services: Type.Array(ServiceCount),
    endsAtReceive: describe(
      "The lane received a message and has no span that processed it: the client's receive span ends before the handler begins.",
      Type.Optional(Type.Literal(true)),
    ),
    joinedWith: describe(
      'Absent where all messages that the lane consumed belong to this flow.',
      Type.Optional(JoinedWith),
    ),
    depth: describe(
      'Number of edges between the opened lane and this one; -1 when only traces beyond the limits connect them.',
      Type.Integer(),
    ),
    hiddenLinks: describe(
      "Links of this lane's trace to traces of the flow that are on no page so far.",
      Type.Integer(),
    ),
    spans: describe('Sorted by start time.', Type.Array(FlowSpan)),
  }),
)
export type FlowLane = Static<typeof FlowLane>

export const FlowEnd = Type.Object({
  traceId: Type.String(),
  spanId: Type.String(),
  laneId: describe(
    '`FlowLane.id`; `null` when the span is not stored: not sampled, expired, sent to another backend, or not yet received.',
    allowNull(Type.String()),
  ),
  service: Type.String({ description: 'empty, like name, when the span is not stored' }),
  name: Type.String(),
})
export type FlowEnd = Static<typeof FlowEnd>

export const FlowEdge = describe(
  'From cause (`from`, the producing span) to effect (`to`, the consuming span).',
  Type.Object({
    id: Type.String(),
    from: FlowEnd,
    to: FlowEnd,
    via: describe(
      "What connects the spans: the consumer's link, its parent, or both.",
      Type.Enum(['link', 'parent', 'both']),
    ),
    role: describe(
      '`message`: from producing to receiving or processing. `creation`: from creation context to send. `processing`: from receiving to processing in the same consumer. `link`: a link without messaging.',
      Type.Enum(['message', 'creation', 'processing', 'link']),
    ),
    cluster: describe(
      'Record metadata; each field is empty where neither the link nor its spans name it.',
      Type.String(),
    ),
    topic: Type.String(),
    partition: Type.String(),
    offset: Type.String(),
    key: Type.String(),
    consumerGroup: Type.String(),
    queueTimeNano: describe(
      'From the end of `from` to the start of `to`; from start to start when `to` starts before `from` ends. Negative only with clock skew: `to` starts before `from`. `null` while a span is missing.',
      allowNull(Nano),
    ),
    onCriticalPath: Type.Boolean(),
  }),
)
export type FlowEdge = Static<typeof FlowEdge>

export const PathSegment = describe(
  "`span`: the span's own work. `queue`: a message waits. `gap`: no known activity, such as between linked spans without messaging, after a parent's end, or before a span whose parent is missing.",
  Type.Object({
    kind: Type.Enum(['span', 'queue', 'gap']),
    startTimeUnixNano: UnixNano,
    durationNano: Nano,
    traceId: describe('`span`: the working span. `queue`, `gap`: the span that waited.', TraceId),
    spanId: SpanId,
    laneId: Type.String(),
    service: Type.String(),
    name: Type.String(),
    topic: describe('Only for `queue`.', Type.Optional(Type.String())),
    edgeId: describe('The followed edge, for a `queue` or `gap` along an edge.', Type.Optional(Type.String())),
  }),
)
export type PathSegment = Static<typeof PathSegment>

export const PathShare = Type.Object({
  kind: Type.Enum(['service', 'topic', 'gap']),
  name: describe('Service or topic; empty for gaps.', Type.String()),
  durationNano: Nano,
  share: describe("Share of the path's duration, 0 to 1. Shares add up to 1.", Type.Number()),
})
export type PathShare = Static<typeof PathShare>

export const CriticalPath = Type.Object({
  startTimeUnixNano: UnixNano,
  endTimeUnixNano: UnixNano,
  durationNano: Nano,
  segments: describe(
    "In order of time, without gaps or overlaps: durations add up to the path's duration.",
    Type.Array(PathSegment),
  ),
  shares: describe('Longest first.', Type.Array(PathShare)),
})
export type CriticalPath = Static<typeof CriticalPath>

export const FlowStatistics = describe(
  'Wall-clock time: `processing + queue + idle = endToEnd`.',
  Type.Object({
    endToEndNano: describe('From the first start to the last end of any span.', Nano),
    processingNano: describe('Time in which at least one span works.', Nano),
    queueNano: describe('Time in which no span works and a message waits.', Nano),
    idleNano: describe('Time in which no span works and no message is known to wait.', Nano),
    queueTotalNano: describe(
      'Sum of all queue times, including time in which other spans work; negative ones count as 0.',
      Nano,
    ),
    negativeQueueTimeCount: describe('Messages with a negative queue time: clock skew.', Type.Integer()),
    spanCount: Type.Integer(),
    errorCount: Type.Integer(),
    traceCount: Type.Integer(),
  }),
)
export type FlowStatistics = Static<typeof FlowStatistics>

export const FlowTruncated = describe(
  'Limits that this response reached. All are false for a complete flow.',
  Type.Object({
    traces: describe('`maxTraces` was reached: `nextCursor` continues.', Type.Boolean()),
    depth: describe(
      'Traces lie beyond `maxDepth`: request a larger depth, or the flow of one of them.',
      Type.Boolean(),
    ),
    fanOut: describe('A step of the traversal has more links than the limit.', Type.Boolean()),
    spans: describe('A trace or the flow has more spans than the limit.', Type.Boolean()),
  }),
)
export type FlowTruncated = Static<typeof FlowTruncated>

export const MissingConsumer = describe(
  'A group known to read a topic that has not consumed a message this flow sent there.',
  Type.Object({
    cluster: Type.String(),
    topic: Type.String(),
    partition: Type.String(),
    offset: Type.String(),
    consumerGroup: Type.String(),
    producer: Type.Object({ traceId: TraceId, spanId: SpanId, laneId: Type.String() }),
    waitNano: describe('From the send until now.', Nano),
  }),
)
export type MissingConsumer = Static<typeof MissingConsumer>

export const FlowTitle = describe(
  "Root span of the flow's origin.",
  Type.Object({ service: Type.String(), name: Type.String(), traceId: TraceId, spanId: SpanId }),
)
export type FlowTitle = Static<typeof FlowTitle>

export const FlowResponse = describe(
  'A page of what one event caused: from the opened trace up its links to the origin, then down. A page has the lanes and edges of the traces it adds; a lane that grew is repeated with its edges. Statistics, critical path and missing consumers cover all pages so far.',
  Type.Object({
    traceId: TraceId,
    title: describe('`null` when no span of the flow is stored.', allowNull(FlowTitle)),
    origins: describe(
      'At most 100; the first one is expanded. Several where the opened trace is, or follows, a batch.',
      Type.Array(FlowOrigin),
    ),
    originCount: Type.Integer(),
    lanes: describe('Sorted by start time.', Type.Array(FlowLane)),
    edges: Type.Array(FlowEdge),
    missingTraceIds: describe('Traces that links refer to and that have no stored span.', Type.Array(TraceId)),
    statistics: FlowStatistics,
    missingConsumers: Type.Array(MissingConsumer),
    criticalPath: describe('`null` when no span of the flow is stored.', allowNull(CriticalPath)),
    complete: describe(
      'The pages so far are the whole flow. Otherwise `truncated` says which limit was reached, or `missingParts` is set.',
      Type.Boolean(),
    ),
    truncated: FlowTruncated,
    missingParts: MissingParts,
    nextCursor: Type.Optional(Type.String()),
  }),
)
export type FlowResponse = Static<typeof FlowResponse>
