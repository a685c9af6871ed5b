import { computeBucketMidpoint, toDurationBucketSql } from '../../clickhouse/insert/rollups/duration-bucket.ts'
import { messagingValue } from '../records/messaging-sql.ts'
import type { StoreAccess } from '../messages/messaging-spans/find-messaging-spans.ts'
import { inWindow, MINUTE_NANO, type TimeWindow, toWindowParams } from '../sql/time-window.ts'
import { MAX_UINT64 } from '../sql/time-parameters.ts'

export type TopologyRequest = StoreAccess & { readonly window: TimeWindow }

/** Numbers of the spans of a service, by messaging operation, topic and group. */
export type Traffic = {
  /** `undefined` for the total of all services. */
  readonly service: string | undefined
  readonly operation: 'none' | 'create' | 'send' | 'receive' | 'process' | 'settle'
  readonly system: string
  /** '' if unknown. */
  readonly cluster: string
  /** '' if the spans name none. */
  readonly topic: string
  readonly group: string
  readonly numbers: SpanNumbers
  /** Some of the numbers are scaled-up estimates. */
  readonly sampled: boolean
  /** Some of the spans name the topic on their links only. */
  readonly isLinked: boolean
}

export type SpanNumbers = {
  /** Messages or calls. */
  readonly count: number
  /** Messages of failed spans, or failed calls. */
  readonly errorCount: number
  /**
   * Nanoseconds. Traffic has them for `create`, `send`, `receive` and `process` with a topic; else
   * 0.
   */
  readonly duration: readonly [p50: string, p95: string, p99: string]
  readonly slowest: readonly [traceId: string, spanId: string]
  /** Valid only if `errorCount` is not 0. */
  readonly failed: readonly [traceId: string, spanId: string]
}

/** Row limit. Larger than the number of edges in a response. */
export const MAX_TRAFFIC = 20_000

/** Target number of spans whose links are read. */
const MAX_LINKING_SPANS = 10_000

/** Widens the window to whole minutes. */
export function widenToMinutes({ start, end }: TimeWindow): TimeWindow {
  const until = end + ((MINUTE_NANO - (end % MINUTE_NANO)) % MINUTE_NANO)
  return { start: start - (start % MINUTE_NANO), end: until < MAX_UINT64 ? until : MAX_UINT64 }
}

export type SpanCounts = {
  readonly spans: number
  /** Consuming spans by topic; '' for those that name none: their links may. */
  readonly consumedOf: ReadonlyMap<string, number>
  /** Some producing or consuming spans name no topic. */
  readonly hasUnnamedTopics: boolean
  /** Producing spans that name a topic. */
  readonly produced: number
}

/** Counts the spans that samples are drawn from. */
export async function countSpans({ store, window, options }: TopologyRequest): Promise<SpanCounts> {
  const rows = await store.query<{ topic: string; n: string; consumed: string; sent: string }>(
    `select topic, sum(spans) as n, sumIf(spans, messaging_operation in ('receive', 'process')) as consumed,
      sumIf(spans, messaging_operation in ('create', 'send')) as sent
    from traffic_minutes
    where minute >= {fromMinute:UInt32} and minute < {toMinute:UInt32}
    group by topic`,
    toMinuteParams(window),
    options,
  )
  const consumed = rows.filter((row) => row.consumed !== '0')
  return {
    spans: rows.reduce((sum, row) => sum + Number(row.n), 0),
    consumedOf: new Map(consumed.map((row) => [row.topic, Number(row.consumed)])),
    hasUnnamedTopics: rows.some((row) => row.topic === '' && (row.sent !== '0' || row.consumed !== '0')),
    produced: rows.reduce((sum, { topic, sent }) => sum + (topic === '' ? 0 : Number(sent)), 0),
  }
}

export function toMinuteParams({ start, end }: TimeWindow): { readonly fromMinute: string; readonly toMinute: string } {
  return { fromMinute: String(start / MINUTE_NANO), toMinute: String((end + MINUTE_NANO - 1n) / MINUTE_NANO) }
}

/**
 * Reads the rollup by minute, busiest first: a few thousand rows at any volume. For consuming spans
 * that name no topic, also reads their links, of a sample if there are many.
 */
export async function findTraffic(
  { store, window, options }: TopologyRequest,
  { consumedOf }: SpanCounts,
): Promise<Traffic[]> {
  const unnamedConsumed = consumedOf.get('') ?? 0
  const oneIn = Math.max(1, Math.ceil(unnamedConsumed / MAX_LINKING_SPANS))
  const rows = await store.query<TrafficRow>(
    `select toUInt8(grouping(service)) as ofAll, service, messaging_operation as operation, known_system as system,
      known_cluster as cluster, topic, consumer_group as grp, sum(span_count) as spanCount, sum(message_count) as messageCount,
      sum(failed_count) as failedCount, max(is_sampled) as sampled, max(is_linked) as linked,
      quantilesExactWeightedArrayMerge(0.5, 0.95, 0.99)(duration_state) as buckets,
      max(slowest_span) as slowestSpan, max(failed_span) as failedSpan, toString(slowestSpan.1) as longest,
      (lower(hex(slowestSpan.2)), lower(hex(slowestSpan.3))) as slowestIds, (lower(hex(failedSpan.1)), lower(hex(failedSpan.2))) as failedIds
    from (
      select *, ${fillUnknown('cluster', ['known_system, topic, service', 'known_system, topic'])} as known_cluster
      from (
        select *, ${fillUnknown('messaging_system', ['topic'])} as known_system
        from (
          -- Merges minutes first, as both grouping sets share them. sumMap takes twice as long.
          select service, messaging_operation, messaging_system, cluster, topic, consumer_group, sum(spans) as span_count,
            sum(messages) as message_count, sum(failed_messages) as failed_count, max(slowest) as slowest_span, max(failed) as failed_span,
            quantilesExactWeightedArrayState(0.5, 0.95, 0.99)(mapKeys(durations), mapValues(durations)) as duration_state,
            toUInt8(0) as is_sampled, toUInt8(0) as is_linked
          from traffic_minutes
          where minute >= {fromMinute:UInt32} and minute < {toMinute:UInt32}
          group by service, messaging_operation, messaging_system, cluster, topic, consumer_group
          ${unnamedConsumed === 0 ? '' : `union all ${compileLinkedTraffic(oneIn)}`})))
    group by grouping sets (
      (service, messaging_operation, known_system, known_cluster, topic, consumer_group),
      (messaging_operation, known_system, known_cluster, topic, consumer_group))
    order by spanCount desc
    limit ${MAX_TRAFFIC}`,
    { ...toMinuteParams(window), ...toWindowParams(window) },
    options,
  )
  return rows.map((row) => ({
    service: row.ofAll === 0 ? row.service : undefined,
    operation: row.operation,
    system: row.system,
    cluster: row.cluster,
    topic: row.topic,
    group: row.grp,
    numbers: {
      count: Number(row.messageCount),
      errorCount: Number(row.failedCount),
      duration: toDurations(row),
      slowest: row.slowestIds,
      failed: row.failedIds,
    },
    sampled: row.sampled !== 0,
    isLinked: row.linked !== 0,
  }))
}

/** SQL for the rows of topics that only links name, like those of the rollup. */
function compileLinkedTraffic(oneIn: number): string {
  return `select service, messaging_operation, messaging_system, cluster, topic, consumer_group, count() * ${oneIn} as span_count,
      sum(messages) * ${oneIn} as message_count, sumIf(messages, status = 'error') * ${oneIn} as failed_count,
      max((duration_nano, trace_id, span_id)) as slowest_span, maxIf((trace_id, span_id), status = 'error') as failed_span,
      quantilesExactWeightedArrayState(0.5, 0.95, 0.99)([${toDurationBucketSql('duration_nano')}], [toUInt64(${oneIn})]) as duration_state,
      toUInt8(${oneIn} > 1) as is_sampled, toUInt8(1) as is_linked
    from (${compileLinkedTopics(oneIn)})
    group by service, messaging_operation, messaging_system, cluster, topic, consumer_group`
}

/**
 * SQL for a row per topic that the links of a consuming span name although the span names none, as
 * a poll of several topics. Has the span's columns, and `messages`: the links with this topic.
 *
 * @param oneIn one in how many spans to read, by hash: ids that are not random are as even
 */
function compileLinkedTopics(oneIn: number): string {
  const condition = oneIn === 1 ? 'true' : `cityHash64(trace_id, span_id) % ${oneIn} = 0`
  const consuming = `from spans where ${inWindow} and messaging_operation in ('receive', 'process') and topic = '' and ${condition}`
  return `select consumers.*, links.topic as topic, links.messages as messages,
      if(consumers.own_cluster != '', consumers.own_cluster, links.link_cluster) as cluster
    from (
      select trace_id, span_id, service, messaging_operation, messaging_system, consumer_group, status, cluster as own_cluster,
        greatest(duration, 0) as duration_nano
      ${consuming}
      limit 1 by trace_id, span_id, service) as consumers
    join (
      select trace_id, span_id, service, topic, max(cluster) as link_cluster, count() as messages
      from (
        select trace_id, span_id, service, ordinal, ${messagingValue('topic')} as topic, ${messagingValue('cluster')} as cluster
        from span_links
        where direction = 'out' and kind in ('client', 'consumer') and trace_id in (select trace_id ${consuming})
        limit 1 by trace_id, span_id, service, ordinal)
      where topic != ''
      group by trace_id, span_id, service, topic) as links
    using (trace_id, span_id, service)`
}

type TrafficRow = Pick<Traffic, 'operation' | 'system' | 'cluster' | 'topic'> & {
  readonly ofAll: 0 | 1
  readonly service: string
  readonly grp: string
  readonly messageCount: string
  readonly failedCount: string
  /** Buckets of the quantiles; 0 if durations are not stored. */
  readonly buckets: readonly [p50: number, p95: number, p99: number]
  /** Nanoseconds. */
  readonly longest: string
  readonly slowestIds: SpanNumbers['slowest']
  readonly failedIds: SpanNumbers['failed']
  readonly sampled: number
  readonly linked: number
}

/**
 * SQL that replaces '' in a column by the only other value in the same partition. Not every client
 * reports its system and cluster, and none does in its first spans.
 *
 * @param partitions lists of columns, the narrowest first
 */
function fillUnknown(column: string, partitions: readonly string[]): string {
  const choices = partitions.flatMap((partition) => {
    const values = `groupUniqArrayIf(2)(${column}, ${column} != '') over (partition by ${partition})`
    return [`length(${values}) = 1`, `${values}[1]`]
  })
  return `multiIf(${column} != '', ${column}, ${choices.join(', ')}, '')`
}

/** At most 3.1% off, and never above the maximum, which is exact. */
function toDurations({ buckets, longest }: TrafficRow): SpanNumbers['duration'] {
  const [p50, p95, p99] = buckets
  const toDuration = (bucket: number): string => {
    const middle = computeBucketMidpoint(bucket)
    return middle < Number(longest) ? String(middle) : longest
  }
  return [toDuration(p50), toDuration(p95), toDuration(p99)]
}
