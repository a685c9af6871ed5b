import type { MissingConsumer } from '@spanlink/api-schema'
import { producingOperations } from '../../clickhouse/insert/messaging/semconv.ts'
import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import { findKnownGroups, type KnownConsumer, mayConsumeFor, mayReadCluster } from '../messaging/known-groups.ts'
import type { Edge } from './edges/edge.ts'
import { type Expanded, JOINED } from './load/expand.ts'
import type { FlowParts } from './flow-parts.ts'
import { toRefKey } from '../links/span-ref.ts'
import type { LaneSpan } from './lanes.ts'

const MAX_MISSING = 1_000

/**
 * Finds groups known to read a topic, during the flow or the day before, that have not consumed a
 * message that the flow sent there.
 */
export async function findMissingConsumers(
  store: Store,
  parts: FlowParts,
  edges: readonly Edge[],
  { traces }: Pick<Expanded, 'traces'>,
  options: QueryOptions,
): Promise<MissingConsumer[]> {
  const sent = parts.lanes.flatMap((lane) => lane.spans.filter((one) => isSent(one, parts.levels)))
  if (sent.length === 0) return []
  const all = parts.lanes.flatMap((lane) => lane.spans.map(({ span }) => span))
  const start = all.reduce((first, span) => (span.start < first ? span.start : first), all[0]?.start ?? 0n)
  const end = all.reduce((last, span) => (span.end > last ? span.end : last), 0n)
  const topics = [...new Set(sent.map(({ span }) => span.topic))]
  const known = await findKnownGroups(store, { start, end }, { topics }, options)
  const groupsOf = Map.groupBy(known, ({ topic }) => topic)
  const consumersOf = consumersByContext(edges, { traces })
  const contextsOf = Map.groupBy(
    edges.filter((edge) => edge.role === 'creation'),
    ({ to }) => to,
  )
  const now = BigInt(Date.now()) * 1_000_000n
  const missing = sent.flatMap((producer): MissingConsumer[] => {
    const { span, lane } = producer
    const { cluster, topic } = span
    // A message may carry the context that it was created from, as with an outbox.
    const contexts = [span, ...(contextsOf.get(producer) ?? []).map(({ fromRef }) => fromRef)]
    const consumers = contexts.flatMap((context) => consumersOf.get(toRefKey(context)) ?? [])
    const groups = (groupsOf.get(topic) ?? []).filter((group) => mayReadCluster(group, cluster))
    return groups
      .filter((group) => !consumers.some((consumer) => mayConsumeFor(group, consumer, groups)))
      .map(({ group }) => ({
        cluster,
        topic,
        consumerGroup: group,
        producer: { traceId: span.traceId, spanId: span.spanId, laneId: lane.id },
        waitNano: String(now > span.end ? now - span.end : 0n),
      }))
  })
  return missing.slice(0, MAX_MISSING)
}

/**
 * Same rule as for unconsumed messages: a send of kind `client` only forwards the messages of
 * `create` spans.
 */
function isSent(one: LaneSpan, levels: FlowParts['levels']): boolean {
  const { operation, kind, status, topic } = one.span
  if ((levels.get(one) ?? 0) <= JOINED || !producingOperations.has(operation)) return false
  return kind === 'producer' && status !== 'error' && topic !== ''
}

function consumersByContext(
  edges: readonly Edge[],
  { traces }: Pick<Expanded, 'traces'>,
): ReadonlyMap<string, readonly KnownConsumer[]> {
  const found: [string, KnownConsumer][] = []
  for (const { role, fromRef, to, consumerGroup } of edges) {
    if (role === 'message') found.push([toRefKey(fromRef), { group: consumerGroup, service: to?.span.service }])
  }
  // Consumers on later pages are known from their links.
  for (const trace of traces.values()) {
    for (const { linkingSpan, target, consumerGroup } of trace.links) {
      if (!traces.has(linkingSpan.traceId)) found.push([toRefKey(target), { group: consumerGroup, service: undefined }])
    }
  }
  return new Map(
    Array.from(
      Map.groupBy(found, ([key]) => key),
      ([key, of]) => [key, of.map(([, consumer]) => consumer)],
    ),
  )
}
