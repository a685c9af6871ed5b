import type { MissingConsumer, RecordMetadata } from '@spanlink/api-schema'
import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import { findKnownGroups, type KnownGroup, mayReadCluster } from '../records/known-groups.ts'
import { findKnownRecords, findMissedRecords, type ConsumedRecord } from '../records/missed-records.ts'
import { isSameSend } from '../messages/deliveries/nested-sends.ts'
import { isProducing } from '../messages/messaging-spans/messaging-span.ts'
import { mergeRecords } from '../records/record-metadata.ts'
import type { Edge } from './edges/edge.ts'
import { type Expanded, JOINED } from './load/expand.ts'
import type { FlowParts } from './flow-parts.ts'
import { type FlowSpanRef } from './flow-span.ts'
import { RefMap } from './ref-map.ts'
import type { LaneSpan } from './lanes.ts'

const MAX_MISSING = 1_000

const NONE: readonly never[] = []

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
  const consumedOf = groupConsumedByContext(edges, { traces })
  const contextsOf = new Map<LaneSpan | undefined, Edge[]>()
  const innerOf = new RefMap<LaneSpan[]>()
  for (const edge of edges) {
    if (edge.role !== 'creation') continue
    const known = contextsOf.get(edge.to)
    if (known === undefined) contextsOf.set(edge.to, [edge])
    else known.push(edge)
    if (edge.to?.span.linkCount === 1) innerOf.getOrAdd(edge.fromRef, () => []).push(edge.to)
  }
  const isOuter = ({ span, children }: LaneSpan): boolean => {
    const isInner = (inner: LaneSpan): boolean => isProducing(inner.span) && isSameSend(span, inner.span)
    return children.some(isInner) || innerOf.get(span)?.some(isInner) === true
  }
  const senders = sent.flatMap((producer) => {
    const { span } = producer
    const consumed = consumedOf.get(span) ?? NONE
    if (consumed.length === 0 && isOuter(producer)) return []
    // A message may carry the context that it was created from, as with an outbox.
    const contexts = contextsOf.get(producer) ?? NONE
    const forwarded = contexts.flatMap(({ fromRef }) => consumedOf.get(fromRef) ?? NONE)
    // The links of a send span count its messages, too.
    const count = span.linkCount > 0 ? 0 : span.messageCount
    return [{ producer, own: span, count, consumed, forwarded, known: findKnownRecords(span, consumed) }]
  })
  const topics = new Set(senders.flatMap(({ own, known }) => [own.topic, ...known.map(({ topic }) => topic)]))
  const groups = await findKnownGroups(store, { start, end }, { topics: [...topics] }, options)
  const groupsOf = Map.groupBy(groups, ({ topic }) => topic)
  const readersOf = (topic: string, cluster: string): KnownGroup[] =>
    (groupsOf.get(topic) ?? []).filter((group) => mayReadCluster(group, cluster))
  const now = BigInt(Date.now()) * 1_000_000n
  const missing: MissingConsumer[] = []
  for (const sender of senders) {
    const { span, lane } = sender.producer
    for (const { record, group } of findMissedRecords(sender, readersOf)) {
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

function groupConsumedByContext(
  edges: readonly Edge[],
  { traces }: Pick<Expanded, 'traces'>,
): RefMap<readonly ConsumedRecord[]> {
  const found = new RefMap<ConsumedRecord[]>()
  const add = (context: FlowSpanRef, record: ConsumedRecord): void => {
    found.getOrAdd(context, () => []).push(record)
  }
  for (const { role, fromRef, to, consumerGroup, linked } of edges) {
    if (role !== 'message') continue
    // The position of a span that took several messages is that of one of them.
    const isOfOther = to !== undefined && to.span.linkCount > 1 && linked.offset === ''
    const ofSpan = isOfOther ? removeOffset(to.span) : to?.span
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

function removeOffset({ cluster, topic, partition, key }: RecordMetadata): RecordMetadata {
  return { cluster, topic, partition, offset: '', key }
}
