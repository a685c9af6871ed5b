import { toRefKey } from '../../links/span-ref.ts'
import { findKnownGroups, type KnownGroup, mayReadCluster } from '../../records/known-groups.ts'
import { findMissedRecords } from '../../records/missed-records.ts'
import { findSenders } from '../deliveries/senders.ts'
import { type MessageListReader, type MessageListRequest, compareNewestFirst } from '../message-list.ts'
import { type MessagingSpan, toMessage } from '../messaging-spans/messaging-span.ts'
import { createSpanScan, type MessagingSpanCondition } from '../messaging-spans/newest-messaging-spans.ts'
import { findLinkedRecords, findNeverConsumed, type Missing } from './never-consumed.ts'

const DEFAULT_MIN_QUEUE_TIME_NANO = 60_000_000_000n

/** `start + duration` is an Int64 in ClickHouse. */
const MAX_INT64 = 2n ** 63n - 1n

/**
 * Finds messages sent at least `minQueueTime` ago, once for each group that reads their topic and
 * has not consumed them (late consumption counts). For a topic without known groups, finds those
 * that no consumer received.
 */
export function createUnconsumedList(request: MessageListRequest): MessageListReader {
  const { window, neverConsumed, lookup } = request
  const minQueueTime = request.minQueueTime ?? DEFAULT_MIN_QUEUE_TIME_NANO
  const now = BigInt(Date.now()) * 1_000_000n
  const asOf = window.end < now ? window.end : now
  const old = asOf - minQueueTime
  if (old < window.start) {
    return async () => ({ messages: [], scannedUntil: undefined, searchedEnd: window.start })
  }
  const searchedEnd = minQueueTime > 0n ? old + 1n : window.end
  const start = async () => {
    const groups = await findExpectedGroups(request)
    const scanned = { ...request, window: { start: window.start, end: searchedEnd } }
    return { groups, scan: createSpanScan(scanned, filterSends(request, groups, old)) }
  }
  let started: ReturnType<typeof start> | undefined
  return async (step) => {
    started ??= start()
    const { groups, scan } = await started
    const { spans: sent, scannedUntil } = await scan(step)
    lookup.add(sent)
    const missing = neverConsumed
      ? await findNeverConsumed(lookup, sent, await findLinkedRecords(lookup, sent))
      : await findMissing(sent, groups, request)
    const messages = missing.map(({ producer, record, group: missedBy }) =>
      toMessage(producer, record, { group: missedBy, waitNano: asOf - producer.end, producer, attempts: [] }),
    )
    return { messages: messages.sort(compareNewestFirst), scannedUntil, searchedEnd }
  }
}

async function findExpectedGroups(request: MessageListRequest): Promise<readonly KnownGroup[]> {
  const { store, window, topic, group, neverConsumed, options } = request
  if (neverConsumed) return []
  return await findKnownGroups(store, window, { topics: topic === undefined ? undefined : [topic], group }, options)
}

/**
 * Matches the creation context. A send of kind client only forwards messages from `create` spans or
 * an outbox.
 */
function filterSends(
  { topic, group }: MessageListRequest,
  groups: readonly KnownGroup[],
  old: bigint,
): MessagingSpanCondition {
  // Without a topic, only the topics that the group reads are checked.
  const topics = group === undefined || topic !== undefined ? undefined : groups.map((known) => known.topic)
  const ofTopics = (sql: string): string =>
    [
      sql,
      ...(topics === undefined ? [] : ['topic in {topics:Array(String)}']),
      ...(topic === undefined ? [] : ['topic = {topic:String}']),
    ].join(' and ')
  return {
    sql: ofTopics(`messaging_operation in ('create', 'send') and kind = 'producer' and status != 'error'
      and topic != '' and start + duration <= {sentBefore:Int64}`),
    params: {
      sentBefore: String(old < MAX_INT64 ? old : MAX_INT64),
      ...(topic !== undefined && { topic }),
      ...(topics && { topics }),
    },
    inRollup: ofTopics(`messaging_operation in ('create', 'send') and topic != ''`),
  }
}

async function findMissing(
  sent: readonly MessagingSpan[],
  groups: readonly KnownGroup[],
  request: MessageListRequest,
): Promise<Missing[]> {
  const { topic, group, lookup } = request
  const groupsOf = Map.groupBy(groups, (known) => known.topic)
  // If the request names both, the group is expected to read the topic, even if it never has.
  if (group !== undefined && topic !== undefined && !groupsOf.has(topic)) {
    groupsOf.set(topic, [{ topic, group, isService: false, services: [], clusters: [] }])
  }
  const readersOf = (ofTopic: string, cluster: string): KnownGroup[] =>
    (groupsOf.get(ofTopic) ?? []).filter((known) => mayReadCluster(known, cluster))
  const isUnread = (producer: MessagingSpan): boolean =>
    group === undefined && readersOf(producer.topic, producer.cluster).length === 0
  const unread = sent.filter(isUnread)
  const linked = await findLinkedRecords(lookup, unread)
  const neverConsumed = await findNeverConsumed(lookup, unread, linked)
  const isReadElsewhere = (producer: MessagingSpan): boolean =>
    linked.get(toRefKey(producer))?.topics.some((other) => groupsOf.has(other)) ?? false
  const judged = sent.filter((producer) => !isUnread(producer) || isReadElsewhere(producer))
  const senders = await findSenders(lookup, judged)
  const missing = senders.flatMap(({ producer, ...sender }) =>
    findMissedRecords(sender, readersOf).map((missed) => ({ producer, ...missed })),
  )
  return [...neverConsumed, ...missing]
}
