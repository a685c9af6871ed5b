import type { Message } from '@spanlink/api-schema'
import type { QueryOptions, Store } from '../../../clickhouse/store.ts'
import { toRefKey, type SpanRef } from '../../links/span-ref.ts'
import { BY_IDS_SETTINGS, createRefSets } from '../../sql/id-parameters.ts'
import { findKnownGroups, type KnownGroup, mayConsumeFor, mayReadCluster } from '../../messaging/known-groups.ts'
import { findDeliveries } from '../deliveries/find-deliveries.ts'
import { type FoundMessages, type MessageListRequest, MAX_SCANNED_SPANS, compareNewestFirst } from '../message-list.ts'
import { type MessageEndpoint, toMessageSpan } from '../endpoints/message-endpoint.ts'
import { findNewestEndpoints } from '../endpoints/newest-endpoints.ts'

const DEFAULT_MIN_QUEUE_TIME = 60_000_000_000n

/** `start + duration` is an Int64 in ClickHouse. */
const MAX_INT64 = 2n ** 63n - 1n

/**
 * Finds messages sent at least `minQueueTime` ago, once for each group that reads their topic and
 * has not consumed them (late consumption counts). For a topic without known groups, finds those
 * that no consumer received.
 */
export async function findUnconsumed(request: MessageListRequest): Promise<FoundMessages> {
  const { store, window, topic, group, neverConsumed, minQueueTime = DEFAULT_MIN_QUEUE_TIME, before, options } = request
  const now = BigInt(Date.now()) * 1_000_000n
  const asOf = window.end < now ? window.end : now
  const old = asOf - minQueueTime
  if (old < window.start) return { messages: [], scannedUntil: undefined, searchedEnd: window.start }
  const searchedEnd = minQueueTime > 0n ? old + 1n : window.end
  const groups = neverConsumed
    ? []
    : await findKnownGroups(store, window, { topics: topic === undefined ? undefined : [topic], group }, options)
  const sentBefore = old < MAX_INT64 ? old : MAX_INT64
  // Without a topic, only the topics that the group reads are checked.
  const topics = group === undefined || topic !== undefined ? undefined : groups.map((known) => known.topic)
  const ofTopics = (sql: string): string =>
    [
      sql,
      ...(topics === undefined ? [] : ['topic in {topics:Array(String)}']),
      ...(topic === undefined ? [] : ['topic = {topic:String}']),
    ].join(' and ')
  // Matches the creation context. A send of kind client only forwards messages from `create` spans
  // or an outbox.
  const condition = ofTopics(`messaging_operation in ('create', 'send') and kind = 'producer' and status != 'error'
    and topic != '' and start + duration <= {sentBefore:Int64}`)
  const { endpoints: sent, scannedUntil } = await findNewestEndpoints(
    store,
    { start: window.start, end: searchedEnd },
    {
      sql: condition,
      params: { sentBefore: String(sentBefore), ...(topic !== undefined && { topic }), ...(topics && { topics }) },
      inRollup: ofTopics(`messaging_operation in ('create', 'send') and topic != ''`),
    },
    before,
    MAX_SCANNED_SPANS,
    options,
  )
  const missing = neverConsumed
    ? await findNeverConsumed(store, sent, options)
    : await findMissing(store, sent, groups, request)
  const messages = missing.map(([end, group]) => toMessage(end, group, asOf)).sort(compareNewestFirst)
  return { messages, scannedUntil, searchedEnd }
}

/** A message and a group that has not consumed it; '' means any group. */
type Missing = readonly [end: MessageEndpoint, group: string]

async function findMissing(
  store: Store,
  sent: readonly MessageEndpoint[],
  groups: readonly KnownGroup[],
  { topic, group, options }: MessageListRequest,
): Promise<Missing[]> {
  const groupsOf = Map.groupBy(groups, (known) => known.topic)
  const readersOf = ({ topic: ofTopic, cluster }: MessageEndpoint): KnownGroup[] =>
    (groupsOf.get(ofTopic) ?? []).filter((known) => mayReadCluster(known, cluster))
  const isUnread = (end: MessageEndpoint): boolean => group === undefined && readersOf(end).length === 0
  const neverConsumed = await findNeverConsumed(store, sent.filter(isUnread), options)
  const read = sent.filter((end) => !isUnread(end))
  const consumers = Map.groupBy(await findDeliveries(store, read, options), ({ producerRef }) => toRefKey(producerRef))
  const missing = read.flatMap((end): Missing[] => {
    // If the request names both, the group is expected to read the topic, even if it never has.
    const isRequested = group !== undefined && end.topic === topic && !groupsOf.has(end.topic)
    const known = isRequested
      ? [{ topic: end.topic, group, isService: false, services: [], clusters: [] }]
      : readersOf(end)
    const consumed = consumers.get(toRefKey(end)) ?? []
    return known
      .filter((one) => !consumed.some(({ consumed }) => mayConsumeFor(one, consumed ?? ONLY_LINKED, known)))
      .map((one): Missing => [end, one.group])
  })
  return [...neverConsumed, ...missing]
}

/** A consumer known only from its link. */
const ONLY_LINKED = { group: '', service: undefined }

async function findNeverConsumed(
  store: Store,
  sent: readonly MessageEndpoint[],
  options: QueryOptions,
): Promise<Missing[]> {
  const linked = await findLinkedByConsumers(store, sent, options)
  const open = sent.filter((end) => !linked.has(toRefKey(end)))
  const consumed = new Set((await findDeliveries(store, open, options)).map(({ producerRef }) => toRefKey(producerRef)))
  return open.filter((end) => !consumed.has(toRefKey(end))).map((end): Missing => [end, ''])
}

/** Finds producers that a span of kind consumer links to, without reading that span. */
async function findLinkedByConsumers(
  store: Store,
  sent: readonly MessageEndpoint[],
  options: QueryOptions,
): Promise<ReadonlySet<string>> {
  if (sent.length === 0) return new Set()
  const sets = createRefSets(sent)
  const rows = await store.query<SpanRef>(
    `select lower(hex(trace_id)) as traceId, lower(hex(span_id)) as spanId
    from span_links
    where trace_id in (${sets.traceIds}) and direction = 'in' and kind = 'consumer' and (trace_id, span_id) in (${sets.spans})
    limit 1 by trace_id, span_id
    ${BY_IDS_SETTINGS}`,
    sets.params,
    options,
  )
  return new Set(rows.map(toRefKey))
}

function toMessage(end: MessageEndpoint, group: string, asOf: bigint): Message {
  return {
    traceId: end.traceId,
    spanId: end.spanId,
    cluster: end.cluster,
    topic: end.topic,
    partition: end.partition,
    offset: end.offset,
    key: '',
    consumerGroup: group,
    timeUnixNano: String(end.start),
    waitNano: String(asOf - end.end),
    producer: toMessageSpan(end, undefined),
    attempts: [],
  }
}
