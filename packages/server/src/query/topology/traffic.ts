import { messagingOperations } from '../../clickhouse/insert/messaging/semconv.ts'
import { computeBucketMidpoint, toDurationBucketSql } from '../../clickhouse/insert/rollups/duration-bucket.ts'
import {
  decodeByte,
  decodeCount,
  decodeEnum,
  decodeHex,
  decodeText,
  decodeUInt64,
} from '../../clickhouse/read/column-decoders.ts'
import { messagingValue } from '../records/messaging-sql.ts'
import { isConsuming } from '../messages/messaging-spans/messaging-span.ts'
import { selectRows } from '../sql/select-rows.ts'
import { inWindow, MINUTE_NANO, type TimeWindow, toWindowParams } from '../sql/time-window.ts'
import { MAX_UINT64 } from '../sql/time-parameters.ts'
import type { TopologyRequest } from './topology-request.ts'
import type { Population } from './sample/take-sample.ts'

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
  readonly spans: number
  /** Days when they arrived, in seconds since 1970. */
  readonly firstDay: number
  readonly lastDay: number
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

/** Counts what samples are drawn from. */
export function toPopulation(rollup: readonly Traffic[]): Population {
  const rows = rollup.filter(({ service }) => service !== undefined)
  return {
    // A consuming span may link to each message of a batch.
    count: rows.reduce((sum, row) => sum + (isConsuming(row) ? Math.max(row.spans, row.numbers.count) : row.spans), 0),
    firstDay: rows.reduce((first, row) => Math.min(first, row.firstDay), Infinity),
    lastDay: rows.reduce((last, row) => Math.max(last, row.lastDay), 0),
    hasUnnamedConsumers: rows.some(isUnnamedConsumer),
  }
}

function isUnnamedConsumer(row: Traffic): boolean {
  return row.service !== undefined && row.topic === '' && isConsuming(row)
}

function toMinuteParams({ start, end }: TimeWindow): { readonly fromMinute: string; readonly toMinute: string } {
  return { fromMinute: String(start / MINUTE_NANO), toMinute: String((end + MINUTE_NANO - 1n) / MINUTE_NANO) }
}

/** Reads the rollup by minute, busiest first: a few thousand rows at any volume. */
export async function findTraffic(request: TopologyRequest): Promise<Traffic[]> {
  return await queryTraffic(request, '')
}

/**
 * Adds topics that only links of consuming spans name, of a sample of the spans if there are many.
 *
 * @param rollup what `findTraffic` found
 */
export async function addLinkedTraffic(
  request: TopologyRequest,
  rollup: readonly Traffic[],
): Promise<readonly Traffic[]> {
  const unnamed = rollup.filter(isUnnamedConsumer).reduce((sum, { spans }) => sum + spans, 0)
  if (unnamed === 0) return rollup
  const oneIn = Math.ceil(unnamed / MAX_LINKING_SPANS)
  return await queryTraffic(request, `union all ${compileLinkedTraffic(oneIn)}`)
}

const quantiles = 'quantilesExactWeightedArrayMerge(0.5, 0.95, 0.99)(duration_state)'

const columns = {
  isTotal: ['toUInt8(grouping(service))', decodeByte],
  service: ['service', decodeText],
  operation: ['messaging_operation', decodeEnum(messagingOperations)],
  system: ['known_system', decodeText],
  cluster: ['known_cluster', decodeText],
  topic: ['topic', decodeText],
  group: ['consumer_group', decodeText],
  spans: ['sum(span_count)', decodeCount],
  messages: ['sum(message_count)', decodeCount],
  failed: ['sum(failed_count)', decodeCount],
  isSampled: ['max(is_sampled)', decodeByte],
  firstDay: ['toUInt64(toUnixTimestamp(toStartOfDay(min(first_received))))', decodeCount],
  lastDay: ['toUInt64(toUnixTimestamp(toStartOfDay(max(last_received))))', decodeCount],
  // Buckets; 0 if durations are not stored.
  p50: [`toUInt64(${quantiles}[1])`, decodeCount],
  p95: [`toUInt64(${quantiles}[2])`, decodeCount],
  p99: [`toUInt64(${quantiles}[3])`, decodeCount],
  longest: ['toUInt64(max(slowest_span).1)', decodeUInt64],
  slowestTraceId: ['max(slowest_span).2', decodeHex],
  slowestSpanId: ['max(slowest_span).3', decodeHex],
  failedTraceId: ['max(failed_span).1', decodeHex],
  failedSpanId: ['max(failed_span).2', decodeHex],
} as const

/** @param more SQL of further rows like those of the rollup */
async function queryTraffic({ store, window, options }: TopologyRequest, more: string): Promise<Traffic[]> {
  const rows = await selectRows(
    store,
    columns,
    `from (
      select *, ${fillUnknown('cluster', ['known_system, topic, service', 'known_system, topic'])} as known_cluster
      from (
        select *, ${fillUnknown('messaging_system', ['topic'])} as known_system
        from (
          -- Merges minutes first, as both grouping sets share them. sumMap takes twice as long.
          select service, messaging_operation, messaging_system, cluster, topic, consumer_group, sum(spans) as span_count,
            sum(messages) as message_count, sum(failed_messages) as failed_count, max(slowest) as slowest_span, max(failed) as failed_span,
            quantilesExactWeightedArrayState(0.5, 0.95, 0.99)(mapKeys(durations), mapValues(durations)) as duration_state,
            min(received) as first_received, max(received) as last_received, toUInt8(0) as is_sampled
          from traffic_minutes
          where minute >= {fromMinute:UInt32} and minute < {toMinute:UInt32}
          group by service, messaging_operation, messaging_system, cluster, topic, consumer_group
          ${more})))
    group by grouping sets (
      (service, messaging_operation, known_system, known_cluster, topic, consumer_group),
      (messaging_operation, known_system, known_cluster, topic, consumer_group))
    order by sum(span_count) desc
    limit ${MAX_TRAFFIC}`,
    { ...toMinuteParams(window), ...toWindowParams(window) },
    options,
  )
  return Array.from(rows, (row) => ({
    service: row.isTotal() === 0 ? row.service() : undefined,
    operation: row.operation(),
    system: row.system(),
    cluster: row.cluster(),
    topic: row.topic(),
    group: row.group(),
    numbers: {
      count: row.messages(),
      errorCount: row.failed(),
      duration: toDurations([row.p50(), row.p95(), row.p99()], row.longest()),
      slowest: [row.slowestTraceId(), row.slowestSpanId()],
      failed: [row.failedTraceId(), row.failedSpanId()],
    },
    spans: row.spans(),
    firstDay: row.firstDay(),
    lastDay: row.lastDay(),
    sampled: row.isSampled() !== 0,
  }))
}

/**
 * SQL for rows like those of the rollup: of topics that only the links of a consuming span name, as
 * of a poll of several topics.
 *
 * @param oneIn one in how many spans to read, by hash: ids that are not random are as even
 */
function compileLinkedTraffic(oneIn: number): string {
  return `select service, messaging_operation, messaging_system, if(own_cluster != '', own_cluster, link.2) as cluster,
      link.1 as topic, consumer_group, count() * ${oneIn} as span_count, sum(link.3) * ${oneIn} as message_count,
      sumIf(link.3, status = 'error') * ${oneIn} as failed_count,
      max((duration_nano, trace_id, span_id)) as slowest_span, maxIf((trace_id, span_id), status = 'error') as failed_span,
      quantilesExactWeightedArrayState(0.5, 0.95, 0.99)([${toDurationBucketSql('duration_nano')}], [toUInt64(${oneIn})]) as duration_state,
      min(received) as first_received, max(received) as last_received, toUInt8(${oneIn} > 1) as is_sampled
    from (
      select trace_id, span_id, service, messaging_operation, messaging_system, consumer_group, status, received,
        cluster as own_cluster, greatest(duration, 0) as duration_nano,
        arrayMap(attributes -> (${messagingValue('topic', 'attributes')}, ${messagingValue('cluster', 'attributes')}), links.attrs) as records,
        arrayJoin(arrayMap(name -> (name, arrayMax(arrayMap(of -> of.2, arrayFilter(of -> of.1 = name, records))), countEqual(records.1, name)),
          arrayDistinct(arrayFilter(name -> name != '', records.1)))) as link
      from spans
      where ${inWindow} and messaging_operation in ('receive', 'process') and topic = ''
        and ${oneIn === 1 ? 'true' : `cityHash64(trace_id, span_id) % ${oneIn} = 0`}
      limit 1 by trace_id, span_id, service, link.1)
    group by service, messaging_operation, messaging_system, cluster, topic, consumer_group`
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
function toDurations([p50, p95, p99]: readonly [number, number, number], longest: bigint): SpanNumbers['duration'] {
  const toDuration = (bucket: number): string => {
    const middle = computeBucketMidpoint(bucket)
    return String(middle < longest ? middle : longest)
  }
  return [toDuration(p50), toDuration(p95), toDuration(p99)]
}
