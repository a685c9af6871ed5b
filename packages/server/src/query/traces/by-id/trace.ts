import type { Span, SpanEvent, SpanLink, SpanQuery, SpanResponse, TraceResponse } from '@spanlink/api-schema'
import { decodeAttributes } from '../../../otlp/wire/attributes.ts'
import type { QueryOptions, Store } from '../../../clickhouse/store.ts'
import { type LinkEnd, computeLinkQueueTime, NO_SPAN, NO_TRACE } from '../../links/linked-span.ts'
import { toRefKey } from '../../links/span-ref.ts'
import { findLogEvents } from '../../logs/log-events.ts'
import { isUnknownRecord, mergeRecords, resolveRecord, UNKNOWN_RECORD } from '../../records/record-metadata.ts'
import { readMessaging, type SpanMessaging } from '../../trace-rows/span-messaging.ts'
import type { EventRow, SpanRow } from '../../trace-rows/trace-row.ts'
import { isInside } from '../span-parents.ts'
import { findSources } from '../span-source.ts'
import { computeParentQueueTime, findTraceEnds } from './trace-ends.ts'
import { fetchTraceContents, type TraceRequest } from './trace-contents.ts'

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
  const { traceId } = request
  const logEventsRead = findLogEvents(store, traceId, options)
  // Without spans, a failure to read log events does not matter.
  logEventsRead.catch(() => {})
  const { spans: rows, backlinks, truncated } = await fetchTraceContents(store, request, options)
  if (rows.length === 0) return undefined
  const spans = rows.map((row) => ({ row, messaging: readMessaging(row) }))
  const [logEvents, sources, ends] = await Promise.all([
    logEventsRead,
    findSources(
      store,
      rows.map((row) => row.sourceId),
      options,
    ),
    findTraceEnds(store, traceId, { spans, isWhole: request.spanId === '' && !truncated }, options),
  ])
  // A link or log record names only a span id: if spans share it, it belongs to the innermost.
  const named = new Map<string, SpanRow>()
  for (const row of rows) {
    const known = named.get(row.spanId)
    if (known === undefined || isInside(row, known)) named.set(row.spanId, row)
  }
  const ofId = <Value>(row: SpanRow, values: ReadonlyMap<string, Value>): Value | undefined =>
    named.get(row.spanId) === row ? values.get(row.spanId) : undefined
  return {
    traceId,
    spans: spans.map(({ row, messaging }) => {
      const queueTimeNano = computeParentQueueTime(row, messaging, ends)
      return {
        spanId: row.spanId,
        parentSpanId: row.parentSpanId,
        service: row.service,
        name: row.name,
        kind: row.kind,
        startTimeUnixNano: String(row.start),
        endTimeUnixNano: getEnd(row),
        status: { code: row.status, message: row.statusMessage },
        traceState: row.traceState,
        flags: row.flags,
        attributes: decodeAttributes(row.attributes, row.attributeTypes),
        droppedAttributesCount: row.droppedAttributes,
        events: mergeLogEvents(row.events.map(toEvent), ofId(row, logEvents)),
        droppedEventsCount: row.droppedEvents,
        ...toLinksAndRecord(row, messaging, ends),
        droppedLinksCount: row.droppedLinks,
        backlinkCount: ofId(row, backlinks) ?? 0,
        ...(queueTimeNano === undefined ? {} : { queueTimeNano }),
        source: sources.indexes.get(row.sourceId) ?? -1,
      }
    }),
    sources: sources.list,
    ...(truncated ? { truncated } : {}),
  }
}

function toEvent({ time, name, attributes, attributeTypes, droppedAttributes }: EventRow): SpanEvent {
  return {
    timeUnixNano: String(time),
    name,
    attributes: decodeAttributes(attributes, attributeTypes),
    droppedAttributesCount: droppedAttributes,
  }
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

/** The end from which the duration was computed, modulo 2^64. */
function getEnd({ start, duration }: SpanRow): string {
  return String(BigInt.asUintN(64, start + duration))
}

/** Returns a span's links, and the record that the span itself describes. */
function toLinksAndRecord(
  row: SpanRow,
  messaging: SpanMessaging,
  ends: ReadonlyMap<string, LinkEnd>,
): Pick<Span, 'links' | 'record'> {
  const isMessaging = MESSAGING_KINDS.has(row.kind)
  if (!isMessaging && row.links.length === 0) return { links: [] }
  // The same as `readRecord` of links, whose messaging fields are read already.
  const record = isMessaging ? resolveRecord(row.attributes, messaging.cluster) : UNKNOWN_RECORD
  const links = row.links.map((link): SpanLink => {
    const target = ends.get(toRefKey(link))
    return {
      traceId: link.traceId === NO_TRACE ? '' : link.traceId,
      spanId: link.spanId === NO_SPAN ? '' : link.spanId,
      traceState: link.traceState,
      flags: link.flags,
      attributes: decodeAttributes(link.attributes, link.attributeTypes),
      droppedAttributesCount: link.droppedAttributes,
      target: target?.span ?? null,
      record: mergeRecords([resolveRecord(link.attributes), record, target?.record]),
      queueTimeNano: computeLinkQueueTime(
        target?.span,
        { startTimeUnixNano: String(row.start), endTimeUnixNano: getEnd(row) },
        messaging.operation,
      ),
    }
  })
  return isMessaging && !isUnknownRecord(record) ? { record, links } : { links }
}

const MESSAGING_KINDS: ReadonlySet<string> = new Set<Span['kind']>(['client', 'producer', 'consumer'])
