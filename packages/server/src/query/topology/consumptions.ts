import { toRefKey, type SpanRef } from '../links/span-ref.ts'
import type { RecordIdentity } from '../messages/deliveries/delivery.ts'
import type { RecordConsumption } from '../messages/deliveries/first-consumptions.ts'
import { isConsuming, isProducing } from '../messages/messaging-spans/messaging-span.ts'
import { findBySpan, selectProducer } from '../messages/messaging-spans/shared-ids.ts'
import { UNKNOWN_RECORD } from '../records/record-metadata.ts'
import { fetchTraceRows } from '../trace-rows/fetch-trace-rows.ts'
import { readMessaging } from '../trace-rows/span-messaging.ts'
import {
  groupByTrace,
  hasMessaging,
  type LinkingSpan,
  listSharers,
  listSpans,
  type SampledSpan,
  type TraceSample,
} from './sample/sampled-span.ts'
import type { TopologyRequest } from './topology-request.ts'
import type { Traffic } from './traffic.ts'

/** Limit of spans that are looked up: producers before the window, consumers that are ambiguous. */
const MAX_LOOK_UPS = 1_000

/** A message that a span consumed. */
export type ConsumedMessage = RecordConsumption & {
  readonly producer: SampledSpan
  readonly topic: string
  readonly cluster: string
  readonly operation: string
  readonly group: string
  /** It may be another delivery of a message that the service consumed before. */
  readonly isUncertain: boolean
}

/** A consuming span, and the span that it links to; without a link, it may be a child. */
type Candidate = {
  readonly source: LinkingSpan | SampledSpan
  readonly target: SpanRef | undefined
  /** What the link names. */
  readonly record: RecordIdentity
}

type Consumers = (service: string, topic: string) => readonly Traffic[]
/** Finds the stored spans of an id. */
type FindSharers = (ref: SpanRef) => readonly SampledSpan[]

/**
 * Finds the messages that spans of the sample consumed, of producers that are stored.
 *
 * @param isSearched whether the producer of a span without links is looked up for this topic
 */
export async function findConsumedMessages(
  request: TopologyRequest,
  sample: TraceSample,
  traffic: readonly Traffic[],
  isSearched: (topic: string) => boolean,
): Promise<ConsumedMessage[]> {
  const candidates = listCandidates(sample)
  const rowsOf = Map.groupBy(
    traffic.filter((row) => row.service !== undefined && isConsuming(row)),
    ({ service = '', topic }) => toConsumerKey(service, topic),
  )
  const consumersOf: Consumers = (service, topic) => rowsOf.get(toConsumerKey(service, topic)) ?? []
  const findStored: FindSharers = (ref) => listSharers(sample.traces, ref)
  const repeated = findRepeated(candidates)
  const lookUps = [
    ...candidates.flatMap((one) => listProducerRefs(one, findStored, isSearched)),
    ...candidates
      .filter((one) => repeated.has(one) || isAmbiguous(one, findStored, consumersOf))
      .map(({ source }) => source),
  ]
  const found = groupByTrace(await fetchSpans(request, lookUps.slice(0, MAX_LOOK_UPS)))
  const findSharers: FindSharers = (ref) => {
    const [stored, others] = [findStored(ref), listSharers(found, ref)]
    return others.length === 0 ? stored : [...others, ...stored.filter((one) => findBySpan(others, one) === undefined)]
  }
  return candidates.flatMap((candidate) => {
    const source = findSource(candidate, findSharers)
    const producer = findProducer({ ...candidate, source }, findSharers)
    if (producer === undefined) return []
    const message = toMessage(source, producer, candidate.record, consumersOf)
    return message === undefined ? [] : { ...message, isUncertain: !hasMessaging(source) && repeated.has(candidate) }
  })
}

function listCandidates({ traces, links }: TraceSample): Candidate[] {
  const candidates: Candidate[] = links.filter(({ source }) => !hasMessaging(source) || isConsuming(source))
  for (const source of listSpans(traces)) {
    if (!isConsuming(source) || source.topic === '' || source.linkCount > 0) continue
    candidates.push({ source, target: undefined, record: UNKNOWN_RECORD })
  }
  return candidates
}

/** Finds spans of one service that consumed of one producer, and may be attempts at one message. */
function findRepeated(candidates: readonly Candidate[]): ReadonlySet<Candidate> {
  const first = new Map<string, Candidate>()
  const repeated = new Set<Candidate>()
  for (const one of candidates) {
    if (one.target === undefined || hasMessaging(one.source)) continue
    const key = `${toRefKey(one.target)} ${one.source.service}`
    const known = first.get(key)
    if (known === undefined) first.set(key, one)
    else repeated.add(known).add(one)
  }
  return repeated
}

/** Lists the spans that may have produced the message and are not in the sample. */
function listProducerRefs(
  { source, target }: Candidate,
  findSharers: FindSharers,
  isSearched: (topic: string) => boolean,
): SpanRef[] {
  if (target !== undefined) return findSharers(target).length > 0 ? [] : [target]
  if (!hasMessaging(source) || !isSearched(source.topic)) return []
  // A producer may share the span id of its consumer.
  const parent = { traceId: source.traceId, spanId: source.parentSpanId }
  if (findSharers(source).some(isProducing) || findSharers(parent).length > 0) return []
  return parent.spanId === '' ? [source] : [source, parent]
}

/** Whether neither the sample nor the traffic tells which group consumed the message. */
function isAmbiguous({ source, target }: Candidate, findSharers: FindSharers, consumersOf: Consumers): boolean {
  if (hasMessaging(source) || target === undefined) return false
  const producer = selectProducer(findSharers(target), source)
  return producer !== undefined && selectConsumer(source, consumersOf(source.service, producer.topic)) === undefined
}

function findSource({ source }: Candidate, findSharers: FindSharers): LinkingSpan | SampledSpan {
  return hasMessaging(source) ? source : (findBySpan(findSharers(source), source) ?? source)
}

function findProducer({ source, target }: Candidate, findSharers: FindSharers): SampledSpan | undefined {
  if (target !== undefined) {
    const producer = selectProducer(findSharers(target), source)
    return producer === undefined || isConsuming(producer) ? undefined : producer
  }
  if (!hasMessaging(source)) return undefined
  const own = findSharers(source).find(isProducing)
  // A parent that does not produce is the span that the consumer runs in.
  return own ?? findSharers({ traceId: source.traceId, spanId: source.parentSpanId }).find(isProducing)
}

function toMessage(
  source: LinkingSpan | SampledSpan,
  producer: SampledSpan,
  link: RecordIdentity,
  consumersOf: Consumers,
): Omit<ConsumedMessage, 'isUncertain'> | undefined {
  const { start, end } = source
  const times = { producerRef: { traceId: producer.traceId, spanId: producer.spanId }, producer, start, end }
  if (hasMessaging(source)) {
    const { parentSpanId, operation, group } = source
    const cluster = source.cluster || link.cluster
    const record = source.topic === '' ? { ...link, cluster } : { ...source, cluster }
    if (!isConsuming(source) || record.topic === '') return undefined
    const isReceive = operation !== 'process'
    const { topic } = record
    return { ...times, consumedRef: source, parentSpanId, isReceive, record, topic, cluster, operation, group }
  }
  const consumer = selectConsumer(source, consumersOf(source.service, producer.topic))
  if (consumer === undefined) return undefined
  const { topic, cluster, operation, group } = consumer
  const record = { ...UNKNOWN_RECORD, cluster }
  const isReceive = source.kind === 'client'
  return { ...times, consumedRef: source, isReceive, record, topic, cluster, operation, group }
}

/** Selects the only row of the traffic that the span may belong to. */
function selectConsumer({ kind }: LinkingSpan, rows: readonly Traffic[]): Traffic | undefined {
  if (rows.length < 2) return rows[0]
  const operation = kind === 'client' ? 'receive' : 'process'
  const fitting = rows.filter((row) => row.operation === operation)
  return fitting.length === 1 ? fitting[0] : undefined
}

async function fetchSpans({ store, options }: TopologyRequest, refs: readonly SpanRef[]): Promise<SampledSpan[]> {
  if (refs.length === 0) return []
  const traceIds = [...new Set(refs.map(({ traceId }) => traceId))]
  const spanIds = [...new Set(refs.map(({ spanId }) => spanId))]
  const { spans } = await fetchTraceRows(store, { type: 'span', traceIds, spanIds }, options)
  return spans.map((row) => {
    const { operation, cluster, topic, partition, offset, group } = readMessaging(row)
    const end = BigInt.asUintN(64, row.start + row.duration)
    return { ...row, end, operation, cluster, topic, partition, offset, group }
  })
}

/** Length prefixes delimit names. */
function toConsumerKey(service: string, topic: string): string {
  return `${service.length} ${service}${topic}`
}
