import { Type, type Static } from 'typebox'
import { Nano, SpanId, TraceId, UnixNano } from './common/scalars.ts'
import { SearchedRange } from './common/searched.ts'

export const TopologyQuery = Type.Object(
  {
    /** Spans starting at or after it. Default: an hour before `end`. */
    start: Type.Optional(UnixNano),
    /** Spans starting before it. Default: now. Both are widened to whole minutes. */
    end: Type.Optional(UnixNano),
  },
  { additionalProperties: false },
)
export type TopologyQuery = Static<typeof TopologyQuery>

export const Quantiles = Type.Object({ p50: Nano, p95: Nano, p99: Nano })
export type Quantiles = Static<typeof Quantiles>

/** Messages that a consumer group has still to take, as its own or the broker's metrics tell. */
export const TopologyLag = Type.Object({
  /** The last value in the requested time, over all partitions and instances. */
  messages: Type.Integer(),
  /** When it was measured. Of a group with several topics: the oldest of theirs. */
  timeUnixNano: UnixNano,
  /**
   * The metric has been silent for two of its intervals, at least 2 minutes, at the end of the
   * requested time: the lag since then is unknown.
   */
  stale: Type.Boolean(),
  /**
   * The metric it was read from. `records_lag_max` is the worst partition of each client, so a
   * lower bound.
   */
  metric: Type.String(),
})
export type TopologyLag = Static<typeof TopologyLag>

export const TopologyNode = Type.Object({
  /** `service:<name>`, `topic:<system>:<cluster>:<name>`, `group:<system>:<cluster>:<name>`. */
  id: Type.String(),
  type: Type.Enum(['service', 'topic', 'group']),
  name: Type.String(),
  /** `kafka`, `rabbitmq`, …; empty for a service, and where spans don't say. */
  system: Type.String(),
  /** Id of the Kafka cluster; empty for a service, and where unknown. */
  cluster: Type.String(),
  /** Of a group where metrics tell it: over all its topics. */
  lag: Type.Optional(TopologyLag),
})
export type TopologyNode = Static<typeof TopologyNode>

const ExampleSpan = Type.Object({ traceId: TraceId, spanId: SpanId })

/**
 * `produce`: service to topic. `deliver`: topic to consumer group. `consume`: consumer group to
 * service, one per topic; straight from the topic where the spans name no group. `call`: service to
 * service, by parent and child span, and by messages whose spans name no topic that both ends
 * share.
 */
export const TopologyEdge = Type.Object({
  type: Type.Enum(['produce', 'deliver', 'consume', 'call']),
  from: Type.String({ description: 'id of a node' }),
  to: Type.String({ description: 'id of a node' }),
  /** `produce`, `deliver` and `consume`: the name of the topic. */
  topic: Type.Optional(Type.String()),
  /**
   * Messages sent or delivered, or calls: a batch counts as many as it has messages. A consumer
   * with receive and process spans is counted by its process spans. An estimate, like all numbers
   * of the edge, when `sampled`. 0 for a group that consumed nothing while messages wait for it.
   */
  count: Type.Integer(),
  /** Messages of spans that failed, or calls that did. */
  errorCount: Type.Integer(),
  /** `count` per second over the requested time. */
  rate: Type.Number(),
  /** Of the sending, processing or called spans. */
  duration: Quantiles,
  /**
   * `deliver` and `consume`: end of the producing span to start of the consuming span. Absent when
   * no message of the edge has both ends here.
   */
  queueTime: Type.Optional(Quantiles),
  /** Over how many messages `queueTime` is: an even sample of busy edges, all of quiet ones. */
  queueTimeCount: Type.Optional(Type.Integer()),
  /** Of `deliver` where metrics tell it: of this topic. */
  lag: Type.Optional(TopologyLag),
  sampled: Type.Boolean(),
  slowest: Type.Optional(ExampleSpan),
  /** One that failed. */
  failed: Type.Optional(ExampleSpan),
})
export type TopologyEdge = Static<typeof TopologyEdge>

export const TopologyResponse = Type.Object({
  startTimeUnixNano: UnixNano,
  endTimeUnixNano: UnixNano,
  nodes: Type.Array(TopologyNode),
  /** Busiest first. */
  edges: Type.Array(TopologyEdge),
  /**
   * Not complete: there are more edges than one answer may hold; the quietest are left out. Request
   * less time.
   */
  ...SearchedRange.properties,
})
export type TopologyResponse = Static<typeof TopologyResponse>
