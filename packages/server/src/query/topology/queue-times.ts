import { computeQueueTime } from '../links/linked-span.ts'
import { keepInnerSpans, selectFirstPerConsumer } from '../messages/deliveries/first-consumptions.ts'
import { isConsuming } from '../messages/messaging-spans/messaging-span.ts'
import { type ConsumedMessage, findConsumedMessages } from './consumptions.ts'
import type { TraceSample } from './sample/sampled-span.ts'
import { CONSUMING, scanSpans } from './sample/scan-spans.ts'
import type { TopologyRequest } from './topology-request.ts'
import type { Traffic } from './traffic.ts'

/** Limit of consuming spans over all low-volume topics. Their producers are looked up. */
const MAX_LOW_VOLUME_SPANS = 400

export type QueueTime = Pick<Traffic, 'cluster' | 'topic' | 'group'> & {
  readonly operation: string
  readonly service: string
  /** Nanoseconds, see `computeQueueTime`. */
  readonly time: number
}

/**
 * Computes queue times of messages consumed in the window, from the spans at both ends, whatever
 * their order of arrival and distance. Topics with few messages are read completely. A message has
 * one queue time per group, of its first consumption (ADR 34).
 */
export async function findQueueTimes(
  request: TopologyRequest,
  traffic: readonly Traffic[],
  sampling: Promise<TraceSample>,
): Promise<QueueTime[]> {
  const lowVolumeTopics = selectLowVolumeTopics(traffic)
  const isLowVolume = (topic: string): boolean => lowVolumeTopics.has(topic)
  const findTimes = async (found: TraceSample): Promise<QueueTime[]> =>
    toQueueTimes(await findConsumedMessages(request, found, traffic, isLowVolume))
  const sample = await sampling
  if (sample.oneIn === 1 || lowVolumeTopics.size === 0) return await findTimes(sample)
  const [sampled, complete] = await Promise.all([
    findTimes(sample),
    readTopics(request, lowVolumeTopics, traffic).then(findTimes),
  ])
  return selectLarger(complete, sampled)
}

function selectLowVolumeTopics(traffic: readonly Traffic[]): ReadonlySet<string> {
  const counts = new Map<string, number>()
  for (const row of traffic) {
    if (row.service !== undefined && isConsuming(row)) counts.set(row.topic, (counts.get(row.topic) ?? 0) + row.spans)
  }
  const topics = new Set<string>()
  let sum = 0
  for (const [topic, count] of [...counts].sort(([, a], [, b]) => a - b)) {
    sum += count
    if (sum > MAX_LOW_VOLUME_SPANS) break
    topics.add(topic)
  }
  return topics
}

/** Reads all consuming spans of these topics. */
async function readTopics(
  request: TopologyRequest,
  topics: ReadonlySet<string>,
  traffic: readonly Traffic[],
): Promise<TraceSample> {
  const services = traffic.flatMap((row) => (topics.has(row.topic) && isConsuming(row) ? (row.service ?? []) : []))
  const condition = `${CONSUMING} and topic in {topics:Array(String)} and service in {services:Array(String)}`
  const params = { topics: [...topics], services: [...new Set(services)] }
  const withLinkRecords = topics.has('')
  return { ...(await scanSpans(request, { condition, params, withLinkRecords })), oneIn: 1 }
}

/** Selects the larger list of queue times per consumer: only samples have polls of many topics. */
function selectLarger(complete: readonly QueueTime[], sampled: readonly QueueTime[]): QueueTime[] {
  const groupByConsumer = (times: readonly QueueTime[]): Map<string, QueueTime[]> =>
    Map.groupBy(times, ({ service, topic, group }) => JSON.stringify([service, topic, group]))
  const completeOf = groupByConsumer(complete)
  const sampledOf = groupByConsumer(sampled)
  return [...new Set([...completeOf.keys(), ...sampledOf.keys()])].flatMap((key) => {
    const [own, other] = [completeOf.get(key) ?? [], sampledOf.get(key) ?? []]
    return own.length < other.length ? other : own
  })
}

function toQueueTimes(messages: readonly ConsumedMessage[]): QueueTime[] {
  const inner = keepInnerSpans(messages)
  const [uncertain, certain] = [inner.filter((one) => one.isUncertain), inner.filter((one) => !one.isUncertain)]
  // Above the limit of lookups, each consumption counts.
  return [...uncertain, ...selectFirstPerConsumer(certain)].map(
    ({ producer, consumedRef, start, end, topic, cluster, operation, group }) => {
      const time = Number(computeQueueTime(producer, { start, end, operation }))
      return { service: consumedRef.service, topic, cluster, operation, group, time }
    },
  )
}
