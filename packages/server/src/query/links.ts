import type { LinkedSpan, LinksAnswer, LinksQuery, TraceLink } from '@spanlink/contract'
import { decodeAttributes } from '../otlp/attributes.ts'
import { operationWords } from '../store/messaging/semconv.ts'
import type { QueryOptions, QueryParams, Store } from '../store/store.ts'
import { BadParameter } from './bad-parameter.ts'
import { isLocated, mergeRecords, resolveRecord, UNKNOWN_RECORD } from './messaging/record-metadata.ts'
import {
  findLinkedSpans,
  findSpansOf,
  type LinkEnd,
  linkedSpan,
  linkedSpanColumns,
  type LinkedSpanRow,
  NO_SPAN,
  NO_TRACE,
  linkQueueTime,
  refKey,
  type SpanRef,
} from './linked-span.ts'
import { fewGranules } from './span-bucket.ts'

/**
 * Links of a trace or one of its spans, in either direction, with both ends resolved: first `out`, then `in`, each by
 * the start of the span that carries the link. `undefined` when neither the trace nor a link to it is here.
 */
export async function findLinks(
  store: Store,
  traceId: string,
  query: LinksQuery,
  options: QueryOptions,
): Promise<LinksAnswer | undefined> {
  const { direction = 'both', spanId, limit = 100 } = query
  const params: QueryParams = { traceId, direction, spanId: spanId ?? '', ...parseCursor(query.cursor) }
  const asked = `trace_id = toFixedString(unhex({traceId:String}), 16)
    ${direction === 'both' ? '' : 'and direction = {direction:String}'}
    ${spanId === undefined ? '' : 'and span_id = toFixedString(unhex({spanId:String}), 8)'}`
  // Links that come in end at this trace: its spans are sought while they are read.
  const own = direction === 'out' ? NONE : findSpansOf(store, { traceId, spanId: spanId ?? '' }, options)
  const rowsRead = store.query<LinkRow>(
    `select direction, lower(hex(span_id)) as spanId, lower(hex(peer_trace_id)) as peerTraceId,
      lower(hex(peer_span_id)) as peerSpanId, ordinal, ${linkedSpanColumns},
      trace_state as traceState, flags, arrayZip(attrs.keys, attrs.values) as attributes,
      attr_types as attributeTypes, dropped_attrs as droppedAttributes, toString(cityHash64(kind, service)) as carrier
    from span_links
    where ${asked}
      ${query.cursor === undefined ? '' : `and ${place} > ${placeOfCursor}`}
    order by ${place}
    limit 1 by ${identity}
    limit {rows:UInt32}
    ${fewGranules}`,
    { ...params, rows: limit + 1 },
    options,
  )
  const [rows, known] = await Promise.all([rowsRead, own])
  const isWhole = query.cursor === undefined && rows.length > 0 && rows.length <= limit
  const total = isWhole ? rows.length : await countLinks(store, asked, params, options)
  if (total === undefined) return undefined
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return {
    total,
    links: await resolve(store, traceId, page, known, options),
    ...(rows.length > limit && last !== undefined ? { nextCursor: cursorOf(last) } : {}),
  }
}

/** `undefined` when there are none and the trace isn't here either. */
async function countLinks(
  store: Store,
  asked: string,
  params: QueryParams,
  options: QueryOptions,
): Promise<number | undefined> {
  const [row] = await store.query<{ total: string; known: string }>(
    `select uniqExact(${identity}) as total,
      (select count() from traces where trace_id = toFixedString(unhex({traceId:String}), 16)) as known
    from span_links where ${asked}`,
    params,
    options,
  )
  const total = Number(row?.total ?? 0)
  return total === 0 && Number(row?.known ?? 0) === 0 ? undefined : total
}

type LinkRow = LinkedSpanRow & {
  readonly direction: TraceLink['direction']
  readonly spanId: string
  readonly peerTraceId: string
  readonly peerSpanId: string
  readonly ordinal: number
  readonly traceState: string
  readonly flags: number
  readonly attributes: readonly (readonly [string, string])[]
  readonly attributeTypes: string
  readonly droppedAttributes: number
  /** Tells spans apart that share an id. */
  readonly carrier: string
}

// A span sent twice has its links twice.
const identity = 'direction, span_id, peer_trace_id, peer_span_id, kind, service, ordinal'

/** A total order, so that pages neither overlap nor leave out. */
const place = '(direction, start, span_id, peer_trace_id, peer_span_id, ordinal, cityHash64(kind, service))'
const placeOfCursor = `(
  cast({afterDirection:String}, 'Enum8(''out'' = 1, ''in'' = 2)'), {afterStart:UInt64},
  toFixedString(unhex({afterSpanId:String}), 8), toFixedString(unhex({afterPeerTraceId:String}), 16),
  toFixedString(unhex({afterPeerSpanId:String}), 8), {afterOrdinal:UInt32}, {afterCarrier:UInt64})`

type Known = Awaited<ReturnType<typeof findSpansOf>>

const NONE: Known = { spans: new Map(), whole: false }

async function resolve(
  store: Store,
  traceId: string,
  rows: readonly LinkRow[],
  known: Known,
  options: QueryOptions,
): Promise<TraceLink[]> {
  const own = rows.map((row) => resolveRecord(row.attributes))
  // The row has the span that carries the link, but not its attributes, which name the record where the link doesn't.
  const carriers = rows.map((row) =>
    row.direction === 'out' ? { traceId, spanId: row.spanId } : { traceId: row.peerTraceId, spanId: row.peerSpanId },
  )
  const targets = rows.map((row) =>
    row.direction === 'out' ? { traceId: row.peerTraceId, spanId: row.peerSpanId } : { traceId, spanId: row.spanId },
  )
  const incomplete = carriers.filter((_, index) => !isLocated(own[index] ?? UNKNOWN_RECORD))
  const sought = [...targets, ...incomplete].filter(
    (ref) => !known.spans.has(refKey(ref)) && !(known.whole && ref.traceId === traceId),
  )
  const found = await findLinkedSpans(store, sought, options)
  const endOf = (ref: SpanRef): LinkEnd | undefined => known.spans.get(refKey(ref)) ?? found.get(refKey(ref))
  return rows.map((row, index) => {
    const carrier = linkedSpan(row)
    const targetEnd = endOf(targets[index] as SpanRef)
    const target = targetEnd?.span ?? null
    const records = [own[index], endOf(carriers[index] as SpanRef)?.record, targetEnd?.record]
    const outgoing = row.direction === 'out'
    return {
      direction: row.direction,
      spanId: row.spanId,
      span: outgoing ? carrier : target,
      peerTraceId: row.peerTraceId === NO_TRACE ? '' : row.peerTraceId,
      peerSpanId: row.peerSpanId === NO_SPAN ? '' : row.peerSpanId,
      peer: outgoing ? target : carrier,
      traceState: row.traceState,
      flags: row.flags,
      attributes: decodeAttributes(row.attributes, row.attributeTypes),
      droppedAttributesCount: row.droppedAttributes,
      record: mergeRecords(records),
      queueTimeNano: linkQueueTime(target, carrier, operationOf(carrier)),
    }
  })
}

/** As far as a name tells, which is what a row of `span_links` has: `receive orders` since 1.27, `orders receive` before. */
function operationOf({ name }: LinkedSpan): string | undefined {
  const words = name.toLowerCase().split(' ')
  return operationWords[words[0] ?? ''] ?? operationWords[words.at(-1) ?? '']
}

function cursorOf(row: LinkRow): string {
  return [row.direction, row.start, row.spanId, row.peerTraceId, row.peerSpanId, row.ordinal, row.carrier].join('.')
}

function parseCursor(cursor: string | undefined): QueryParams {
  if (cursor === undefined) return {}
  const form =
    /^(out|in)\.([0-9]{1,19}|1[0-9]{19})\.([0-9a-f]{16})\.([0-9a-f]{32})\.([0-9a-f]{16})\.([0-9]{1,9})\.([0-9]{1,19}|1[0-9]{19})$/
  const match = form.exec(cursor)
  if (match === null) throw new BadParameter('cursor', 'cursor is not one that an earlier answer gave.')
  const [, afterDirection = '', afterStart = '', afterSpanId = '', afterPeerTraceId = '', afterPeerSpanId = ''] = match
  return {
    afterDirection,
    afterStart,
    afterSpanId,
    afterPeerTraceId,
    afterPeerSpanId,
    afterOrdinal: match[6] ?? '0',
    afterCarrier: match[7] ?? '0',
  }
}
