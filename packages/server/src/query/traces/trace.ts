import type {
  MessagingOperation,
  RecordMetadata,
  Span,
  SpanResponse,
  SpanEvent,
  SpanLink,
  SpanQuery,
  TraceResponse,
} from '@spanlink/api-schema'
import { decodeAttributes } from '../../otlp/wire/attributes.ts'
import { isTooHeavy } from '../../clickhouse/store-error.ts'
import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import { findLinkedSpans, getEnd, type LinkEnd, computeLinkQueueTime, NO_SPAN, NO_TRACE } from '../links/linked-span.ts'
import { toRefKey } from '../links/span-ref.ts'
import { findLogEvents } from '../logs/log-events.ts'
import { isUnknownRecord, mergeRecords, resolveRecord } from '../records/record-metadata.ts'
import { fetchParentQueueTimes } from '../links/parent-queue-times.ts'
import { FEW_GRANULES_SETTINGS } from '../sql/span-bucket.ts'
import { isInside, spanIdentity } from './span-parents.ts'
import { findTraceBuckets } from '../sql/trace-buckets.ts'
import { findTraceLimit, WHOLE_TRACE_SETTINGS, withinLimit } from './trace-limit.ts'
import { type OutgoingLinkRow, fetchTraceLinks, type SpanLinks } from '../links/trace-links.ts'
import { type TraceRequest, toCutParams, spanConditionInBuckets, type TracePart, zipEntries } from './trace-part.ts'
import { findSources } from './span-source.ts'

/**
 * More spans than a person can inspect. A larger trace is `truncated` and has its earliest spans.
 */
const MAX_SPANS = 200_000

/**
 * Returns a complete trace: spans, events, links with their targets, backlink counts. `undefined`
 * when it isn't stored.
 */
export async function findTrace(
  store: Store,
  traceId: string,
  options: QueryOptions,
): Promise<TraceResponse | undefined> {
  return fetchTrace(store, { traceId, spanId: '' }, options)
}

/**
 * Returns one complete span: the first of those that share its id and match `kind` and `service`.
 */
export async function findSpan(
  store: Store,
  request: TraceRequest,
  { kind, service }: SpanQuery,
  options: QueryOptions,
): Promise<SpanResponse | undefined> {
  const trace = await fetchTrace(store, request, options)
  const fits = (span: Span): boolean => span.kind === (kind ?? span.kind) && span.service === (service ?? span.service)
  const span = trace?.spans.find(fits)
  if (trace === undefined || span === undefined) return undefined
  const others = trace.spans.filter((other) => other !== span)
  return {
    traceId: request.traceId,
    span,
    source: trace.sources[span.source] ?? null,
    ...(others.length > 0
      ? { spansWithSameId: others.map((other) => ({ kind: other.kind, service: other.service })) }
      : {}),
  }
}

async function fetchTrace(
  store: Store,
  request: TraceRequest,
  options: QueryOptions,
): Promise<TraceResponse | undefined> {
  const buckets = findTraceBuckets(store, request.traceId, options)
  try {
    return await fetchPart(store, { request, buckets, limit: undefined }, options)
  } catch (error) {
    if (!isTooHeavy(error)) throw error
    const range = await buckets
    // The trace isn't stored: links from other traces to it, or its logs, were too heavy.
    if (range === undefined) return undefined
    const limit = await findTraceLimit(store, spanConditionInBuckets, { ...request, ...range }, options)
    return limit && (await fetchPart(store, { request, buckets, limit }, options))
  }
}

async function fetchPart(store: Store, part: TracePart, options: QueryOptions): Promise<TraceResponse | undefined> {
  const { limit } = part
  const { traceId } = part.request
  let truncated = limit?.isLast === false
  const linksRead = fetchTraceLinks(store, part, options).catch((error: unknown) => {
    if (limit === undefined || !isTooHeavy(error)) throw error
    truncated = true
    return new Map<string, SpanLinks>()
  })
  const [spanRows, links, targets, logEvents] = await Promise.all([
    fetchSpanRows(store, part, options),
    linksRead,
    linksRead.then(async (read) => await fetchTargets(store, read, options)),
    findLogEvents(store, traceId, options),
  ])
  if (spanRows.length === 0) return undefined
  if (spanRows.length > MAX_SPANS) {
    truncated = true
    spanRows.length = MAX_SPANS
  }
  const [sources, queueTimes] = await Promise.all([
    findSources(
      store,
      spanRows.map((row) => row.sourceId),
      options,
    ),
    fetchParentQueueTimes(store, traceId, spanRows, part.request.spanId === '' && !truncated, options),
  ])
  // A link or log record names only a span id: if spans share it, it belongs to the innermost.
  const named = new Map<string, SpanRow>()
  for (const row of spanRows) {
    const known = named.get(row.spanId)
    if (known === undefined || isInside(row, known)) named.set(row.spanId, row)
  }
  const ofId = <Value>(row: SpanRow, values: ReadonlyMap<string, Value>): Value | undefined =>
    named.get(row.spanId) === row ? values.get(row.spanId) : undefined
  return {
    traceId,
    spans: spanRows.map((row) => ({
      spanId: row.spanId,
      parentSpanId: row.parentSpanId === NO_SPAN ? '' : row.parentSpanId,
      service: row.service,
      name: row.name,
      kind: row.kind,
      startTimeUnixNano: row.start,
      endTimeUnixNano: getEnd(row),
      status: { code: row.status, message: row.statusMessage },
      traceState: row.traceState,
      flags: row.flags,
      attributes: decodeAttributes(zipEntries(row.keys, row.values), row.attributeTypes),
      droppedAttributesCount: row.droppedAttributes,
      events: mergeLogEvents(toEvents(row), ofId(row, logEvents)),
      droppedEventsCount: row.droppedEvents,
      ...toLinksAndRecord(row, links.get(row.spanId)?.outgoing ?? [], targets),
      droppedLinksCount: row.droppedLinks,
      backlinkCount: ofId(row, links)?.incoming ?? 0,
      ...(queueTimes.has(row) ? { queueTimeNano: queueTimes.get(row) } : {}),
      source: sources.indexes.get(row.sourceId) ?? -1,
    })),
    sources: sources.list,
    ...(truncated ? { truncated } : {}),
  }
}

type SpanRow = Pick<Span, 'spanId' | 'parentSpanId' | 'service' | 'name' | 'kind' | 'traceState' | 'flags'> & {
  readonly start: string
  readonly duration: string
  readonly status: Span['status']['code']
  readonly statusMessage: string
  readonly operation: MessagingOperation
  readonly cluster: string
  readonly sourceId: string
  readonly keys: readonly string[]
  readonly values: readonly string[]
  readonly attributeTypes: string
  readonly droppedAttributes: number
  /** Event fields, one list per field, in event order. */
  readonly eventTimes: readonly string[]
  readonly eventNames: readonly string[]
  readonly eventKeys: readonly (readonly string[])[]
  readonly eventValues: readonly (readonly string[])[]
  readonly eventTypes: readonly string[]
  readonly eventsDropped: readonly number[]
  readonly droppedEvents: number
  readonly droppedLinks: number
}

/**
 * Reads plain columns and assembles them here. ClickHouse takes longer to analyze functions over
 * them (4 ms of CPU) than to read the spans of a typical trace.
 */
async function fetchSpanRows(
  store: Store,
  { request, buckets, limit }: TracePart,
  options: QueryOptions,
): Promise<SpanRow[]> {
  const bounds = await buckets
  if (bounds === undefined) return []
  const rows = await store.query<SpanRow>(
    `select hex(span_id) as spanId, hex(parent_span_id) as parentSpanId, service, name, kind, start, duration, status,
      status_message as statusMessage, messaging_operation as operation, cluster, trace_state as traceState, flags, source_id as sourceId,
      attrs.keys as keys, attrs.values as values, attr_types as attributeTypes, dropped_attrs as droppedAttributes,
      events.time as eventTimes, events.name as eventNames, events.attrs.keys as eventKeys,
      events.attrs.values as eventValues, events.attr_types as eventTypes, events.dropped_attrs as eventsDropped,
      dropped_events as droppedEvents, dropped_links as droppedLinks
    from spans
    where ${spanConditionInBuckets} ${
      // Sorting would hold all rows, including a million duplicates of one span.
      limit === undefined
        ? `order by start, ${spanIdentity} limit 1 by ${spanIdentity} limit ${MAX_SPANS + 1} ${WHOLE_TRACE_SETTINGS}`
        : `and ${withinLimit} limit 1 by ${spanIdentity} limit ${limit.count} ${FEW_GRANULES_SETTINGS}`
    }`,
    { ...request, ...bounds, ...toCutParams(limit) },
    options,
  )
  if (limit !== undefined) rows.sort((a, b) => compareNano(a.start, b.start) || (a.spanId < b.spanId ? -1 : 1))
  return rows.map((row) => ({
    ...row,
    spanId: row.spanId.toLowerCase(),
    parentSpanId: row.parentSpanId.toLowerCase(),
  }))
}

function toEvents(row: SpanRow): SpanEvent[] {
  return row.eventTimes.map((timeUnixNano, at) => ({
    timeUnixNano,
    name: row.eventNames[at] ?? '',
    attributes: decodeAttributes(
      zipEntries(row.eventKeys[at] ?? [], row.eventValues[at] ?? []),
      row.eventTypes[at] ?? '',
    ),
    droppedAttributesCount: row.eventsDropped[at] ?? 0,
  }))
}

/** Sorts by time if log records add events; else keeps the order sent. */
function mergeLogEvents(events: SpanEvent[], logEvents: readonly SpanEvent[] | undefined): SpanEvent[] {
  if (logEvents === undefined) return events
  return [...events, ...logEvents].sort((a, b) => compareNano(a.timeUnixNano, b.timeUnixNano))
}

/** Compares decimal strings without leading zeros. */
function compareNano(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : Number(a > b))
}

async function fetchTargets(
  store: Store,
  links: ReadonlyMap<string, SpanLinks>,
  options: QueryOptions,
): Promise<ReadonlyMap<string, LinkEnd>> {
  const outgoing = Array.from(links.values(), (ofSpan) => ofSpan.outgoing).flat()
  const refs = outgoing.map((link) => ({ traceId: link.peerTraceId, spanId: link.peerSpanId }))
  return await findLinkedSpans(store, refs, options)
}

/** Returns a span's links, and the record that the span itself describes. */
function toLinksAndRecord(
  row: SpanRow,
  outgoing: readonly OutgoingLinkRow[],
  targets: ReadonlyMap<string, LinkEnd>,
): Pick<Span, 'links' | 'record'> {
  const isMessaging = MESSAGING_KINDS.has(row.kind)
  if (!isMessaging && outgoing.length === 0) return { links: [] }
  const record = resolveRecord(zipEntries(row.keys, row.values), row.cluster)
  const links = outgoing
    .filter(({ kind, service }) => kind === row.kind && service === row.service)
    .map((link) => toSpanLink(link, row, record, targets))
  return isMessaging && !isUnknownRecord(record) ? { record, links } : { links }
}

const MESSAGING_KINDS: ReadonlySet<string> = new Set<Span['kind']>(['client', 'producer', 'consumer'])

function toSpanLink(
  row: OutgoingLinkRow,
  linkingSpan: SpanRow,
  linkingRecord: RecordMetadata,
  targets: ReadonlyMap<string, LinkEnd>,
): SpanLink {
  const target = targets.get(toRefKey({ traceId: row.peerTraceId, spanId: row.peerSpanId }))
  return {
    traceId: row.peerTraceId === NO_TRACE ? '' : row.peerTraceId,
    spanId: row.peerSpanId === NO_SPAN ? '' : row.peerSpanId,
    traceState: row.traceState,
    flags: row.flags,
    attributes: decodeAttributes(row.attributes, row.attributeTypes),
    droppedAttributesCount: row.droppedAttributes,
    target: target?.span ?? null,
    record: mergeRecords([resolveRecord(row.attributes), linkingRecord, target?.record]),
    queueTimeNano: computeLinkQueueTime(
      target?.span,
      { startTimeUnixNano: linkingSpan.start, endTimeUnixNano: getEnd(linkingSpan) },
      linkingSpan.operation,
    ),
  }
}
