import type { MissingConsumer } from '@spanlink/api-schema'
import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import { findSendSizes } from '../records/batch-sizes.ts'
import { findKnownGroups, type KnownGroup, mayReadCluster } from '../records/known-groups.ts'
import { findKnownRecords, findMissedRecords, type ConsumedRecord } from '../records/missed-records.ts'
import { isSameSend } from '../messages/deliveries/nested-sends.ts'
import { isProducing } from '../messages/messaging-spans/messaging-span.ts'
import { mergeRecords } from '../records/record-metadata.ts'
import type { Edge } from './edges/edge.ts'
import { type Expanded, JOINED } from './load/expand.ts'
import type { FlowParts } from './flow-parts.ts'
import { type FlowSpanRef } from './flow-span.ts'
import { toRefKey, toSpanKey } from '../links/span-ref.ts'
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
  const linkCounts = countLinks({ traces })
  const consumedOf = groupConsumedByContext(edges, { traces }, linkCounts)
  const contextsOf = Map.groupBy(
    edges.filter((edge) => edge.role === 'creation'),
    ({ to }) => to,
  )
  const linkingOf = Map.groupBy(
    edges.filter(({ role, toRef }) => role === 'creation' && linkCounts.get(toLinkingKey(toRef)) === 1),
    ({ fromRef }) => toRefKey(fromRef),
  )
  const isOuter = ({ span, children }: LaneSpan): boolean => {
    const linking = linkingOf.get(toRefKey(span))?.flatMap(({ to }) => to ?? []) ?? []
    return [...children, ...linking].some((inner) => isProducing(inner.span) && isSameSend(span, inner.span))
  }
  const senders = sent.flatMap((producer) => {
    const { span } = producer
    const consumed = consumedOf.get(toRefKey(span)) ?? []
    if (consumed.length === 0 && isOuter(producer)) return []
    // A message may carry the context that it was created from, as with an outbox.
    const contexts = contextsOf.get(producer) ?? []
    const forwarded = contexts.flatMap(({ fromRef }) => consumedOf.get(toRefKey(fromRef)) ?? [])
    return [{ producer, own: span, consumed, forwarded, known: findKnownRecords(span, consumed) }]
  })
  const topics = new Set(senders.flatMap(({ own, known }) => [own.topic, ...known.map(({ topic }) => topic)]))
  const counted = senders
    .filter(({ own, known }) => known.length > 0 && !linkCounts.has(toLinkingKey(own)))
    .map(({ own }) => own)
  const [groups, sizes] = await Promise.all([
    findKnownGroups(store, { start, end }, { topics: [...topics] }, options),
    findSendSizes(store, counted, options),
  ])
  const groupsOf = Map.groupBy(groups, ({ topic }) => topic)
  const readersOf = (topic: string, cluster: string): KnownGroup[] =>
    (groupsOf.get(topic) ?? []).filter((group) => mayReadCluster(group, cluster))
  const now = BigInt(Date.now()) * 1_000_000n
  const missing: MissingConsumer[] = []
  for (const { producer, ...sender } of senders) {
    const { span, lane } = producer
    const count = sizes.get(toSpanKey(span)) ?? 0
    for (const { record, group } of findMissedRecords({ ...sender, count }, readersOf)) {
      missing.push({
        cluster: record.cluster,
        topic: record.topic,
        partition: record.partition,
        offset: record.offset,
        consumerGroup: group,
        producer: { traceId: span.traceId, spanId: span.spanId, laneId: lane.id },
        waitNano: String(now > span.end ? now - span.end : 0n),
      })
      if (missing.length === MAX_MISSING) return missing
    }
  }
  return missing
}

/**
 * Same rule as for unconsumed messages: a send of kind `client` only forwards the messages of
 * `create` spans.
 */
function isSent(one: LaneSpan, levels: FlowParts['levels']): boolean {
  const { kind, status, topic } = one.span
  if ((levels.get(one.section) ?? 0) <= JOINED || !isProducing(one.span)) return false
  return kind === 'producer' && status !== 'error' && topic !== ''
}

function toLinkingKey({ traceId, spanId, kindServiceKey }: FlowSpanRef): string {
  return `${traceId}${spanId} ${kindServiceKey}`
}

/** Counts the links of each span that carries any, also those to other events. */
function countLinks({ traces }: Pick<Expanded, 'traces'>): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const trace of traces.values()) {
    for (const { linkingSpan } of trace.links) {
      if (linkingSpan.traceId !== trace.traceId) continue
      const key = toLinkingKey(linkingSpan)
      counts.set(key, (counts.get(key) ?? 0) + 1)
    }
  }
  return counts
}

function groupConsumedByContext(
  edges: readonly Edge[],
  { traces }: Pick<Expanded, 'traces'>,
  linkCounts: ReadonlyMap<string, number>,
): ReadonlyMap<string, readonly ConsumedRecord[]> {
  const found = new Map<string, ConsumedRecord[]>()
  const add = (context: FlowSpanRef, record: ConsumedRecord): void => {
    const key = toRefKey(context)
    const known = found.get(key)
    if (known === undefined) found.set(key, [record])
    else known.push(record)
  }
  for (const { role, fromRef, toRef, to, consumerGroup, linked } of edges) {
    if (role !== 'message') continue
    // The position of a span that took several messages is that of one of them.
    const isBatch = (linkCounts.get(toLinkingKey(toRef)) ?? 0) > 1
    const ofSpan = to === undefined || !isBatch || linked.offset !== '' ? to?.span : { ...to.span, offset: '' }
    add(fromRef, {
      record: mergeRecords([linked, ofSpan]),
      consumer: { group: consumerGroup, service: to?.span.service },
    })
  }
  // Consumers on later pages are known from their links.
  for (const trace of traces.values()) {
    for (const link of trace.links) {
      if (traces.has(link.linkingSpan.traceId)) continue
      add(link.target, { record: link, consumer: { group: link.group, service: undefined } })
    }
  }
  return found
}
