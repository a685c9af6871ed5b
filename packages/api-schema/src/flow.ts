import { Type, type Static } from 'typebox'
import { Nano, SpanId, SpanKind, StatusCode, TraceId, UnixNano } from './common/scalars.ts'
import { ServiceCount } from './traces.ts'

export const FlowParams = Type.Object({ traceId: TraceId }, { additionalProperties: false })

export const FlowQuery = Type.Object(
  {
    maxTraces: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 200 })),
    /** Links from the opened trace to the farthest. */
    maxDepth: Type.Optional(Type.Integer({ minimum: 0, maximum: 64, default: 16 })),
    /** Where the critical path ends. Default: the span that ends last. */
    spanId: Type.Optional(SpanId),
    /** Other events whose messages a batch of the flow took belong to it, up to their origins. */
    joined: Type.Optional(Type.Boolean({ default: false })),
    cursor: Type.Optional(Type.String({ maxLength: 200 })),
  },
  { additionalProperties: false },
)
export type FlowQuery = Static<typeof FlowQuery>

/** What a span does with messages, under every spelling of the conventions. `none`: nothing. */
export const MessagingOperation = Type.Enum(['none', 'create', 'send', 'receive', 'process', 'settle'])
export type MessagingOperation = Static<typeof MessagingOperation>

/** A trace above the opened one that nothing known caused: where an event began. */
export const FlowOrigin = Type.Object({
  traceId: TraceId,
  /** Of its root; empty, and the time 0, while no span of it is stored. */
  rootService: Type.String(),
  rootName: Type.String(),
  startTimeUnixNano: UnixNano,
})
export type FlowOrigin = Static<typeof FlowOrigin>

/** Other events whose messages were taken together with the flow's own. */
export const JoinedWith = Type.Object({
  /** Their traces. */
  count: Type.Integer(),
  /** The span that sent a message, and the root of its trace: empty while it is not stored. */
  examples: Type.Array(
    Type.Object({ traceId: TraceId, spanId: SpanId, rootService: Type.String(), rootName: Type.String() }),
  ),
})
export type JoinedWith = Static<typeof JoinedWith>

/** A span that carries or receives an edge, or begins a lane. */
export const FlowSpan = Type.Object({
  spanId: SpanId,
  /** Empty for a root. The parent may be in another lane, where a trace was cut. */
  parentSpanId: Type.String(),
  service: Type.String(),
  name: Type.String(),
  kind: SpanKind,
  status: StatusCode,
  startTimeUnixNano: UnixNano,
  endTimeUnixNano: UnixNano,
  operation: MessagingOperation,
  /** `messaging.destination.name`; empty when the span has none. */
  topic: Type.String(),
  consumerGroup: Type.String(),
})
export type FlowSpan = Static<typeof FlowSpan>

/**
 * One stretch of work without a queue in it: a trace, or the part of a trace between its
 * producer/consumer boundaries (cut when read; link mode and parent mode give the same lanes).
 */
export const FlowLane = Type.Object({
  /** The trace id, or `<traceId>-<spanId of the first span>` for a part cut off at a consumer. */
  id: Type.String(),
  traceId: TraceId,
  /**
   * The span the lane begins with: its root, or its earliest span while that is missing
   * (`rootMissing`).
   */
  rootSpanId: SpanId,
  rootService: Type.String(),
  rootName: Type.String(),
  rootMissing: Type.Boolean(),
  startTimeUnixNano: UnixNano,
  /** Of the span that ends last. */
  endTimeUnixNano: UnixNano,
  durationNano: Nano,
  spanCount: Type.Integer(),
  errorCount: Type.Integer(),
  services: Type.Array(ServiceCount),
  /**
   * The lane received a message and has no span of what was done with it: the client's receive span
   * ended before the handler began, so the chain ends here.
   */
  endsAtReceive: Type.Optional(Type.Literal(true)),
  /** Absent where all messages that the lane took are of this flow. */
  joinedWith: Type.Optional(JoinedWith),
  /**
   * Edges between the opened lane and this one; -1 when they lead there only through traces beyond
   * the bounds.
   */
  depth: Type.Integer(),
  /**
   * Known links of this lane's trace to traces of the flow that this page and those before it leave
   * out.
   */
  hiddenLinks: Type.Integer(),
  /** In order of start time. */
  spans: Type.Array(FlowSpan),
})
export type FlowLane = Static<typeof FlowLane>

export const FlowEnd = Type.Object({
  traceId: Type.String(),
  spanId: Type.String(),
  /**
   * `FlowLane.id`; `null` when the span is not here: not sampled, expired, sent elsewhere, or still
   * to come.
   */
  laneId: Type.Union([Type.String(), Type.Null()]),
  service: Type.String({ description: 'empty, like name, when the span is not here' }),
  name: Type.String(),
})
export type FlowEnd = Static<typeof FlowEnd>

/**
 * Cause (`from`, the producing span) and effect (`to`, the consuming one), in the direction that
 * time has.
 */
export const FlowEdge = Type.Object({
  id: Type.String(),
  from: FlowEnd,
  to: FlowEnd,
  /** How the spans name each other: the consumer's link, its parent, or both. */
  via: Type.Enum(['link', 'parent', 'both']),
  /**
   * `message`: produced there, received or processed here. `creation`: a send and the creation
   * context it sent. `handover`: received there, processed here by the same consumer. `link`: a
   * link without messaging.
   */
  role: Type.Enum(['message', 'creation', 'handover', 'link']),
  /** Of the record, each empty where neither the link nor an end names it. */
  cluster: Type.String(),
  topic: Type.String(),
  partition: Type.String(),
  offset: Type.String(),
  key: Type.String(),
  consumerGroup: Type.String(),
  /**
   * End of `from` to start of `to`, or start to start when `to` began before `from` ended. Negative
   * only when `to` began before `from` did: clock skew. `null` while an end is missing.
   */
  queueTimeNano: Type.Union([Nano, Type.Null()]),
  onCriticalPath: Type.Boolean(),
})
export type FlowEdge = Static<typeof FlowEdge>

/**
 * `span`: work of a span that nothing it started explains. `queue`: a message waits. `gap`: nothing
 * is known to happen: between a link's ends without messaging, after a parent's end, before a span
 * whose parent is missing.
 */
export const PathSegment = Type.Object({
  kind: Type.Enum(['span', 'queue', 'gap']),
  startTimeUnixNano: UnixNano,
  durationNano: Nano,
  /** `span`: the working one. `queue`, `gap`: the one that waited. */
  traceId: TraceId,
  spanId: SpanId,
  laneId: Type.String(),
  service: Type.String(),
  name: Type.String(),
  /** `queue` only. */
  topic: Type.Optional(Type.String()),
  /** The edge that was followed, for `queue` and `gap` over an edge. */
  edgeId: Type.Optional(Type.String()),
})
export type PathSegment = Static<typeof PathSegment>

export const PathShare = Type.Object({
  kind: Type.Enum(['service', 'topic', 'gap']),
  /** Service or topic; empty for gaps. */
  name: Type.String(),
  durationNano: Nano,
  /** 0 to 1, of the path's duration. All shares add up to 1. */
  share: Type.Number(),
})
export type PathShare = Static<typeof PathShare>

export const CriticalPath = Type.Object({
  startTimeUnixNano: UnixNano,
  endTimeUnixNano: UnixNano,
  durationNano: Nano,
  /** In order of time, without holes or overlap: their durations add up to the path's. */
  segments: Type.Array(PathSegment),
  /** Longest first. */
  shares: Type.Array(PathShare),
})
export type CriticalPath = Static<typeof CriticalPath>

/** Wall-clock time: `code + queue + waiting = endToEnd`. */
export const FlowStatistics = Type.Object({
  /** First start to last end of any span. */
  endToEndNano: Nano,
  /** Some lane works. */
  codeNano: Nano,
  /** No lane works, and a message waits. */
  queueNano: Nano,
  /** No lane works, and no message is known to wait. */
  waitingNano: Nano,
  /** Of all messages, whether or not work goes on beside; negative ones count as 0. */
  queueTotalNano: Nano,
  /** Messages whose queue time is negative: clock skew. */
  negativeQueueTimes: Type.Integer(),
  spanCount: Type.Integer(),
  errorCount: Type.Integer(),
  traceCount: Type.Integer(),
})
export type FlowStatistics = Static<typeof FlowStatistics>

/**
 * Why the flow may be larger than the answer. Each is told on its own; none is set when it is
 * whole.
 */
export const FlowTruncated = Type.Object({
  /** `maxTraces` reached: `nextCursor` goes on. */
  traces: Type.Boolean(),
  /**
   * Traces known beyond `maxDepth`, not counting what they link to; ask with more depth or from one
   * of them.
   */
  depth: Type.Boolean(),
  /** A step of the search had more links than one answer may hold. */
  fanOut: Type.Boolean(),
  /** A trace has more spans or lanes than one answer may hold. */
  spans: Type.Boolean(),
})
export type FlowTruncated = Static<typeof FlowTruncated>

/** A group that reads a topic and has not taken a message that the flow sent to it. */
export const MissingConsumer = Type.Object({
  cluster: Type.String(),
  topic: Type.String(),
  consumerGroup: Type.String(),
  producer: Type.Object({ traceId: TraceId, spanId: SpanId, laneId: Type.String() }),
  /** From the send until now. */
  waitedNano: Nano,
})
export type MissingConsumer = Static<typeof MissingConsumer>

/** Root of the flow's origin. */
export const FlowTitle = Type.Object({ service: Type.String(), name: Type.String(), traceId: TraceId, spanId: SpanId })
export type FlowTitle = Static<typeof FlowTitle>

/**
 * A page of what one event caused: from the opened trace up its links to its origin, then down.
 * Lanes and edges are of the traces that the page adds; a lane that grew comes again, with its
 * edges. An edge is on the page where the later found of its two traces is. Statistics, critical
 * path and missing consumers are over all pages up to this one.
 */
export const FlowResponse = Type.Object({
  traceId: TraceId,
  /** `null` when no span of the flow is stored. */
  title: Type.Union([FlowTitle, Type.Null()]),
  /**
   * The first is the one whose flow it is; at most 100. Several: the opened trace is, or comes
   * after, a batch.
   */
  origins: Type.Array(FlowOrigin),
  originCount: Type.Integer(),
  /** In order of start time. */
  lanes: Type.Array(FlowLane),
  edges: Type.Array(FlowEdge),
  /** Traces that links name and of which no span is here. */
  missingTraceIds: Type.Array(TraceId),
  statistics: FlowStatistics,
  missingConsumers: Type.Array(MissingConsumer),
  /** `null` when no span of the flow is here. */
  criticalPath: Type.Union([CriticalPath, Type.Null()]),
  /**
   * Whether this page and those before it are all of the flow; else `truncated` says what is left
   * out.
   */
  complete: Type.Boolean(),
  truncated: FlowTruncated,
  nextCursor: Type.Optional(Type.String()),
})
export type FlowResponse = Static<typeof FlowResponse>
