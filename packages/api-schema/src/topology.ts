import { Type, type Static } from 'typebox'
import { defineParameters, describe } from './common/describe.ts'
import { Nano, SpanId, TraceId, UnixNano } from './common/scalars.ts'
import { SearchedRange } from './common/searched.ts'

export const TopologyQuery = defineParameters({
  start: describe('Spans that start at or after. Default: an hour before `end`.', Type.Optional(UnixNano)),
  end: describe(
    'Spans that start before. Default: now. The range is widened to whole minutes.',
    Type.Optional(UnixNano),
  ),
})
export type TopologyQuery = Static<typeof TopologyQuery>

export const Quantiles = Type.Object({ p50: Nano, p95: Nano, p99: Nano })
export type Quantiles = Static<typeof Quantiles>

export const TopologyLag = describe(
  'Consumer lag of a group, from metrics of its clients or of the broker.',
  Type.Object({
    messages: describe('Last value in the requested range, summed over partitions and instances.', Type.Integer()),
    timeUnixNano: describe('When it was measured; for a group with several topics, the oldest measurement.', UnixNano),
    stale: describe(
      'No data point for two intervals, at least 2 minutes, before the end of the requested range: the current lag is unknown.',
      Type.Boolean(),
    ),
    metric: describe(
      'Source metric. `records_lag_max` is the worst partition of each client, so a lower bound.',
      Type.String(),
    ),
  }),
)
export type TopologyLag = Static<typeof TopologyLag>

export const TopologyNode = Type.Object({
  id: describe(
    '`service:<name>`, `topic:<system>:<cluster>:<name>`, `group:<system>:<cluster>:<name>`.',
    Type.String(),
  ),
  type: Type.Enum(['service', 'topic', 'group']),
  name: Type.String(),
  system: describe('`messaging.system`, such as `kafka`; empty for a service, and where unknown.', Type.String()),
  cluster: describe('Id of the Kafka cluster; empty for a service, and where unknown.', Type.String()),
  lag: describe('Lag of a group over all its topics, where metrics report it.', Type.Optional(TopologyLag)),
})
export type TopologyNode = Static<typeof TopologyNode>

const ExampleSpan = Type.Object({ traceId: TraceId, spanId: SpanId })

export const TopologyEdge = describe(
  '`produce`: service to topic. `deliver`: topic to consumer group. `consume`: consumer group to service, one per topic; from the topic where spans name no group. `call`: service to service, by parent and child span, and by messages whose producer and consumer name no common topic.',
  Type.Object({
    type: Type.Enum(['produce', 'deliver', 'consume', 'call']),
    from: Type.String({ description: 'Id of a node.' }),
    to: Type.String({ description: 'Id of a node.' }),
    topic: describe('Name of the topic, for `produce`, `deliver` and `consume`.', Type.Optional(Type.String())),
    count: describe(
      'Messages sent or delivered, or calls. Each message of a batch counts. A consumer with receive and process spans is counted by its process spans. An estimate, like all numbers of the edge, when `sampled`. 0 for a group that consumed nothing while it has lag.',
      Type.Integer(),
    ),
    errorCount: describe('Messages of failed spans, or failed calls.', Type.Integer()),
    ratePerSecond: describe('`count` per second over the requested range.', Type.Number()),
    durationNano: describe('Duration of the sending, processing or called spans.', Quantiles),
    queueTimeNano: describe(
      'For `deliver` and `consume`: from the end of the producing span to the start of the consuming span. Absent when no message has both spans stored.',
      Type.Optional(Quantiles),
    ),
    queueTimeCount: describe(
      'Number of messages in `queueTimeNano`: a sample for high-volume edges, all messages for low-volume ones.',
      Type.Optional(Type.Integer()),
    ),
    lag: describe('For `deliver`, where metrics report it: lag of this topic.', Type.Optional(TopologyLag)),
    sampled: Type.Boolean(),
    slowest: Type.Optional(ExampleSpan),
    failed: describe('An example of a failed span.', Type.Optional(ExampleSpan)),
  }),
)
export type TopologyEdge = Static<typeof TopologyEdge>

export const TopologyResponse = Type.Object({
  startTimeUnixNano: UnixNano,
  endTimeUnixNano: UnixNano,
  nodes: Type.Array(TopologyNode),
  edges: describe('Busiest first.', Type.Array(TopologyEdge)),
  // Incomplete: the limit of edges was reached, and edges of low volume are absent.
  ...SearchedRange.properties,
})
export type TopologyResponse = Static<typeof TopologyResponse>
