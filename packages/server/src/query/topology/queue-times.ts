import type { QueryOptions, QueryParams, Store } from '../../store/store.ts'
import type { SpanRef } from '../linked-span.ts'
import { endsByRef, keyOf, type MessageEnd } from '../messages/message-end.ts'
import { inWindow, type TimeWindow, windowParams } from '../messaging/time-window.ts'
import { type QueueTime, quietTimes, SAMPLE_QUIET } from './quiet-times.ts'
import { inSample, type Sample, sampleOf, sampleParams, type Taken, takeSample } from './sample.ts'
import type { Traffic } from './traffic.ts'

/** Consuming spans of busy topics that are looked at for queue times: about so many together. */
const SAMPLE_BUSY = 10_000

/** Ends that are looked up one by one: producers from before the window, and consumers whose group the link leaves open. */
const MAX_LOOK_UPS = 2_000

const MAX_DELIVERIES = 60_000

/**
 * Queue times of messages consumed in the window. Both ends are read when asked, so it doesn't matter which arrived
 * first or how far apart. Links and spans of a trace are filed under its id, so an even share of producing traces is
 * read in long runs: busy topics are sampled so, quiet ones looked up whole.
 *
 * @param consumedOf consuming spans by topic
 * @param traffic awaited last, when the sample is there
 */
export async function queueTimes(
  store: Store,
  window: TimeWindow,
  consumedOf: ReadonlyMap<string, number>,
  traffic: Promise<readonly Traffic[]>,
  options: QueryOptions,
): Promise<QueueTime[]> {
  const { quiet, busyCount } = splitTopics(consumedOf)
  const wanted = sampleOf(busyCount, SAMPLE_BUSY)
  const take = async (sample: Sample): Promise<Taken<Sampled>> => {
    const rows = await deliveries(store, window, inSample(sample), sampleParams(sample), options)
    return { rows, size: rows.length }
  }
  const [ofQuiet, ofBusy, known] = await Promise.all([
    quiet.size === 0 ? [] : quietTimes(store, window, [...quiet], options),
    busyCount === 0 ? { rows: [] } : takeSample(wanted, busyCount / wanted.oneIn, take),
    traffic,
  ])
  const resolved = await resolve(store, ofBusy.rows, known, options)
  return [...ofQuiet, ...resolved.filter(({ topic }) => !quiet.has(topic))]
}

/** A link or parent that a consumer in the window has, with its producer if that was in the window. */
type Sampled = {
  readonly producedRef: SpanRef
  readonly consumedRef: SpanRef
  readonly produced: { readonly end: bigint; readonly topic: string } | undefined
  readonly start: bigint
  readonly service: string
  /** Of the consumer where it is the producer's child; a link's row doesn't tell. */
  readonly consumed: Pick<MessageEnd, 'group' | 'operation'> | undefined
}

function splitTopics(counts: ReadonlyMap<string, number>): {
  readonly quiet: ReadonlySet<string>
  readonly busyCount: number
} {
  const quiet = new Set<string>()
  let [quietCount, busyCount] = [0, 0]
  for (const [topic, count] of [...counts].sort(([, a], [, b]) => a - b)) {
    if (busyCount === 0 && quietCount + count <= SAMPLE_QUIET) {
      quiet.add(topic)
      quietCount += count
    } else busyCount += count
  }
  return { quiet, busyCount }
}

/** Deliveries of messages whose producing trace satisfies an SQL condition on `trace_id`. */
async function deliveries(
  store: Store,
  window: TimeWindow,
  condition: string,
  params: QueryParams,
  options: QueryOptions,
): Promise<Sampled[]> {
  const allParams = { ...windowParams(window), ...params }
  const ask = <Row>(sql: string): Promise<Row[]> => store.query<Row>(sql, allParams, options)
  const [produced, links, children] = await Promise.all([
    ask<ProducedRow>(
      `select lower(hex(trace_id)) as traceId, lower(hex(span_id)) as spanId, toUInt64(start + duration) as finish, topic
      from spans
      where ${inWindow} and messaging_operation in ('create', 'send') and ${condition}`,
    ),
    ask<LinkRow>(
      `select lower(hex(trace_id)) as traceId, lower(hex(span_id)) as spanId, lower(hex(peer_trace_id)) as peerTraceId,
        lower(hex(peer_span_id)) as peerSpanId, start, service
      from span_links
      where ${condition} and direction = 'in' and kind in ('client', 'consumer')
        and start >= {windowStart:UInt64} and start < {windowEnd:UInt64}
        and received >= toDateTime(intDiv({windowStart:UInt64}, 1000000000), 'UTC') - toIntervalDay(1)
      limit ${MAX_DELIVERIES}`,
    ),
    ask<ChildRow>(
      `select lower(hex(trace_id)) as traceId, lower(hex(span_id)) as spanId,
        lower(hex(parent_span_id)) as parentSpanId, start, service, consumer_group as group,
        messaging_operation as operation
      from spans
      where ${inWindow} and messaging_operation in ('receive', 'process') and parent_span_id != toFixedString('', 8)
        and ${condition}
      limit ${MAX_DELIVERIES}`,
    ),
  ])
  const producers = new Map(produced.map((row) => [keyOf(row), { end: BigInt(row.finish), topic: row.topic }]))
  const linked = links.map((row): Sampled => {
    const ref = { traceId: row.traceId, spanId: row.spanId }
    return {
      producedRef: ref,
      consumedRef: { traceId: row.peerTraceId, spanId: row.peerSpanId },
      produced: producers.get(keyOf(ref)),
      start: BigInt(row.start),
      service: row.service,
      consumed: undefined,
    }
  })
  const parented = children.flatMap((row): Sampled[] => {
    const ref = { traceId: row.traceId, spanId: row.parentSpanId }
    const parent = producers.get(keyOf(ref))
    // A parent that doesn't produce is where a consumer runs, no message.
    if (parent === undefined) return []
    const { service, group, operation } = row
    return [
      {
        producedRef: ref,
        consumedRef: { traceId: row.traceId, spanId: row.spanId },
        produced: parent,
        start: BigInt(row.start),
        service,
        consumed: { group, operation },
      },
    ]
  })
  return [...linked, ...parented]
}

type ProducedRow = SpanRef & { readonly finish: string; readonly topic: string }
type LinkRow = SpanRef & {
  readonly peerTraceId: string
  readonly peerSpanId: string
  readonly start: string
  readonly service: string
}
type ChildRow = SpanRef &
  Pick<MessageEnd, 'group' | 'operation'> & {
    readonly parentSpanId: string
    readonly start: string
    readonly service: string
  }

/** Fills in what the rows left open: from what is known of the traffic where that is unambiguous, else span by span. */
async function resolve(
  store: Store,
  sampled: readonly Sampled[],
  traffic: readonly Traffic[],
  options: QueryOptions,
): Promise<QueueTime[]> {
  const consumersOf = Map.groupBy(
    traffic.filter(
      ({ service, operation }) => service !== undefined && (operation === 'receive' || operation === 'process'),
    ),
    ({ service, topic }) => JSON.stringify([service, topic]),
  )
  const onlyConsumer = ({ produced, service }: Sampled): Traffic | undefined => {
    const [one, ...others] = (produced && consumersOf.get(JSON.stringify([service, produced.topic]))) ?? []
    return others.length === 0 ? one : undefined
  }
  const open = sampled.flatMap((one) => [
    ...(one.produced === undefined ? [{ ...one.producedRef, before: one.start }] : []),
    ...(one.consumed === undefined && onlyConsumer(one) === undefined
      ? [{ ...one.consumedRef, start: one.start }]
      : []),
  ])
  const found = await endsByRef(store, open.slice(0, MAX_LOOK_UPS), options)
  return sampled.flatMap((one) => {
    const producer = found.get(keyOf(one.producedRef))
    const consumer = one.consumed ?? found.get(keyOf(one.consumedRef)) ?? onlyConsumer(one)
    const end = one.produced?.end ?? producer?.end
    if (end === undefined || consumer === undefined) return []
    if (producer?.operation === 'receive' || producer?.operation === 'process') return []
    if (consumer.operation !== 'receive' && consumer.operation !== 'process') return []
    const topic = one.produced?.topic ?? producer?.topic ?? ''
    const { group, operation } = consumer
    return [{ service: one.service, topic, group, operation, time: Number(one.start - end) }]
  })
}
