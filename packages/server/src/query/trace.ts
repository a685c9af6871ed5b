import type { Span, SpanAnswer, SpanEvent, SpanLink, TraceAnswer } from '@spanlink/contract'
import { decodeAttributes } from '../otlp/attributes.ts'
import type { QueryOptions, Store } from '../store/store.ts'
import { findLinkedSpans, linkedSpan, NO_SPAN, NO_TRACE, queueTime, refKey } from './linked-span.ts'
import { findLogEvents } from './logs/log-events.ts'
import { inBucketsOf } from './span-bucket.ts'
import { findSources } from './span-source.ts'

/** More spans than a reader could look at; a trace beyond it is told as `truncated`, earliest spans first. */
const SPANS_AT_MOST = 200_000

/** One trace, whole: spans, events, links with their targets, backlink counts. `undefined` when it isn't here. */
export async function findTrace(
  store: Store,
  traceId: string,
  options: QueryOptions,
): Promise<TraceAnswer | undefined> {
  return readSpans(store, { traceId, spanId: '' }, options)
}

/** One span with all there is to it. `undefined` when it isn't here. */
export async function findSpan(
  store: Store,
  asked: { readonly traceId: string; readonly spanId: string },
  options: QueryOptions,
): Promise<SpanAnswer | undefined> {
  const trace = await readSpans(store, asked, options)
  const span = trace?.spans[0]
  if (trace === undefined || span === undefined) return undefined
  return { traceId: asked.traceId, span, source: trace.sources[span.source] ?? null }
}

/** `spanId` empty: all of the trace. */
type Asked = { readonly traceId: string; readonly spanId: string }

async function readSpans(store: Store, asked: Asked, options: QueryOptions): Promise<TraceAnswer | undefined> {
  const { traceId } = asked
  const [spanRows, linkRows, backlinks, logEvents] = await Promise.all([
    spansOf(store, asked, options),
    linksOf(store, asked, options),
    backlinkCounts(store, asked, options),
    findLogEvents(store, traceId, options),
  ])
  if (spanRows.length === 0) return undefined
  const truncated = spanRows.length > SPANS_AT_MOST
  if (truncated) spanRows.length = SPANS_AT_MOST
  const [targets, sources] = await Promise.all([
    findLinkedSpans(
      store,
      linkRows.map((row) => ({ traceId: row.peerTraceId, spanId: row.peerSpanId })),
      options,
    ),
    findSources(
      store,
      spanRows.map((row) => row.sourceId),
      options,
    ),
  ])
  const linksBySpan = Map.groupBy(linkRows, (row) => row.spanId)
  return {
    traceId,
    spans: spanRows.map((row) => ({
      spanId: row.spanId,
      parentSpanId: row.parentSpanId === NO_SPAN ? '' : row.parentSpanId,
      service: row.service,
      name: row.name,
      kind: row.kind,
      startTimeUnixNano: row.start,
      endTimeUnixNano: row.finish,
      status: { code: row.status, message: row.statusMessage },
      traceState: row.traceState,
      flags: row.flags,
      attributes: decodeAttributes(row.attributes, row.attributeTypes),
      droppedAttributesCount: row.droppedAttributes,
      events: withLogEvents(row.spanEvents.map(spanEvent), logEvents.get(row.spanId)),
      droppedEventsCount: row.droppedEvents,
      links: (linksBySpan.get(row.spanId) ?? []).map((link) => spanLink(link, row, targets)),
      droppedLinksCount: row.droppedLinks,
      backlinkCount: backlinks.get(row.spanId) ?? 0,
      source: sources.indexes.get(row.sourceId) ?? -1,
    })),
    sources: sources.list,
    ...(truncated ? { truncated } : {}),
  }
}

type AttributePairs = readonly (readonly [string, string])[]

type SpanRow = Pick<Span, 'spanId' | 'parentSpanId' | 'service' | 'name' | 'kind' | 'traceState' | 'flags'> & {
  readonly start: string
  readonly finish: string
  readonly status: Span['status']['code']
  readonly statusMessage: string
  readonly sourceId: string
  readonly attributes: AttributePairs
  readonly attributeTypes: string
  readonly droppedAttributes: number
  readonly spanEvents: readonly EventRow[]
  readonly droppedEvents: number
  readonly droppedLinks: number
}

type EventRow = readonly [time: string, name: string, attributes: AttributePairs, types: string, dropped: number]

const ofAsked = `trace_id = toFixedString(unhex({traceId:String}), 16)
  and ({spanId:String} = '' or span_id = toFixedString(unhex({spanId:String}), 8))`

function spansOf(store: Store, asked: Asked, options: QueryOptions): Promise<SpanRow[]> {
  return store.query<SpanRow>(
    `select lower(hex(span_id)) as spanId, lower(hex(parent_span_id)) as parentSpanId, service, name, kind, start,
      toUInt64(start + duration) as finish, status, status_message as statusMessage, trace_state as traceState, flags,
      source_id as sourceId, arrayZip(mapKeys(attrs), mapValues(attrs)) as attributes, attr_types as attributeTypes,
      dropped_attrs as droppedAttributes, dropped_events as droppedEvents, dropped_links as droppedLinks,
      arrayMap(e -> (e.1, e.2, arrayZip(mapKeys(e.3), mapValues(e.3)), e.4, e.5), events) as spanEvents
    from spans
    where ${ofAsked} and ${inBucketsOf('select toFixedString(unhex({traceId:String}), 16)')}
    order by start, span_id
    limit 1 by span_id
    limit ${SPANS_AT_MOST + 1}`,
    asked,
    options,
  )
}

function spanEvent([timeUnixNano, name, attributes, types, droppedAttributesCount]: EventRow): SpanEvent {
  return { timeUnixNano, name, attributes: decodeAttributes(attributes, types), droppedAttributesCount }
}

/** In order of time once there are such events; else as sent. */
function withLogEvents(events: SpanEvent[], logEvents: readonly SpanEvent[] | undefined): SpanEvent[] {
  if (logEvents === undefined) return events
  return [...events, ...logEvents].sort((a, b) => compareNano(a.timeUnixNano, b.timeUnixNano))
}

/** Decimal strings without leading zeros. */
function compareNano(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : Number(a > b))
}

type LinkRow = {
  readonly spanId: string
  readonly peerTraceId: string
  readonly peerSpanId: string
  readonly traceState: string
  readonly flags: number
  readonly attributes: AttributePairs
  readonly attributeTypes: string
  readonly droppedAttributes: number
}

function linksOf(store: Store, asked: Asked, options: QueryOptions): Promise<LinkRow[]> {
  return store.query<LinkRow>(
    `select lower(hex(span_id)) as spanId, lower(hex(peer_trace_id)) as peerTraceId,
      lower(hex(peer_span_id)) as peerSpanId, trace_state as traceState, flags,
      arrayZip(mapKeys(attrs), mapValues(attrs)) as attributes, attr_types as attributeTypes,
      dropped_attrs as droppedAttributes
    from span_links
    where ${ofAsked} and direction = 'out'
    order by span_id, ordinal
    limit 1 by span_id, ordinal
    limit ${SPANS_AT_MOST}`,
    asked,
    options,
  )
}

function spanLink(row: LinkRow, carrier: SpanRow, targets: Awaited<ReturnType<typeof findLinkedSpans>>): SpanLink {
  const target = targets.get(refKey({ traceId: row.peerTraceId, spanId: row.peerSpanId })) ?? null
  return {
    traceId: row.peerTraceId === NO_TRACE ? '' : row.peerTraceId,
    spanId: row.peerSpanId === NO_SPAN ? '' : row.peerSpanId,
    traceState: row.traceState,
    flags: row.flags,
    attributes: decodeAttributes(row.attributes, row.attributeTypes),
    droppedAttributesCount: row.droppedAttributes,
    target,
    queueTimeNano: queueTime(target, linkedSpan(carrier)),
  }
}

async function backlinkCounts(store: Store, asked: Asked, options: QueryOptions): Promise<ReadonlyMap<string, number>> {
  const rows = await store.query<{ spanId: string; links: string }>(
    `select lower(hex(span_id)) as spanId, uniqExact(peer_trace_id, peer_span_id, ordinal) as links
    from span_links
    where ${ofAsked} and direction = 'in'
    group by span_id`,
    asked,
    options,
  )
  return new Map(rows.map((row) => [row.spanId, Number(row.links)]))
}
