import type { LinkedSpan, RecordMetadata } from '@spanlink/api-schema'
import { crc32 } from 'node:zlib'
import { createCursorCodec } from '../sql/cursor.ts'
import { KINDS, type LinkBody, type SpanHead, type SpanRow } from '../trace-rows/trace-row.ts'
import type { BacklinkRow } from '../trace-rows/backlink-row.ts'
import { isMessagingKind, readMessaging } from '../trace-rows/span-messaging.ts'
import { resolveRecord, UNKNOWN_RECORD } from '../records/record-metadata.ts'
import { toLinkedSpan } from './linked-span.ts'

export const linkCursor = createCursorCodec('links2', {
  direction: 'direction',
  start: 'uint64',
  spanId: 'spanId',
  peerTraceId: 'traceId',
  peerSpanId: 'spanId',
  ordinal: 'count',
  identity: 'uint64',
})

/** The order of links: by direction, then by the start of the linking span. */
export type LinkKey = ReturnType<typeof linkCursor.decode>

/** A link of a span of a trace (`out`) or to one (`in`). */
export type LinkRow = LinkKey &
  LinkBody & {
    readonly linkingSpan: LinkedSpan
    /** Named by the linking span's attributes; undefined if only the span itself has them. */
    readonly linkingRecord: RecordMetadata | undefined
  }

/** Lists the outgoing links of a span. */
export function toOutgoingLinks(span: SpanRow): LinkRow[] {
  const { spanId, start } = span
  const linkingSpan = toLinkedSpan(span)
  const linkingRecord = readRecord(span)
  const shared = { direction: 'out', start, spanId, identity: hashIdentity(span), linkingSpan, linkingRecord } as const
  return span.links.map(({ traceId: peerTraceId, spanId: peerSpanId, ...body }, ordinal) => {
    return { ...shared, peerTraceId, peerSpanId, ordinal, ...body }
  })
}

export function toIncomingLink(backlink: BacklinkRow): LinkRow {
  const { linkingTraceId: peerTraceId, linkingSpanId: peerSpanId } = backlink
  return {
    ...backlink,
    direction: 'in',
    peerTraceId,
    peerSpanId,
    identity: hashIdentity(backlink),
    linkingSpan: toLinkedSpan(backlink),
    linkingRecord: backlink.areLinkingAttributesLeftOut
      ? undefined
      : readRecord({ ...backlink, attributes: backlink.linkingAttributes }),
  }
}

/** The record that a span's attributes name, as sent. */
function readRecord(span: Parameters<typeof readMessaging>[0]): RecordMetadata {
  return isMessagingKind(span.kind) ? resolveRecord(span.attributes, readMessaging(span).cluster) : UNKNOWN_RECORD
}

/** The same as `identityHash` in head-sql.ts. */
function hashIdentity({ kind, service }: Pick<SpanHead, 'kind' | 'service'>): bigint {
  return BigInt(crc32(service, crc32(Uint8Array.of(KINDS.indexOf(kind)))))
}

/** Sorts links, each once: of a span that was sent again, those with the earliest start. */
export function sortLinks(rows: readonly LinkRow[]): LinkRow[] {
  const latestFirst = rows.toSorted((a, b) => compareKeys(b, a))
  return [...new Map(latestFirst.map((row) => [toIdentity(row), row])).values()].sort(compareKeys)
}

/** A total order, so that pages neither overlap nor skip links. */
export function compareKeys(a: LinkKey, b: LinkKey): number {
  return (
    compare(a.direction === 'in', b.direction === 'in') ||
    compare(a.start, b.start) ||
    compare(a.spanId, b.spanId) ||
    compare(a.peerTraceId, b.peerTraceId) ||
    compare(a.peerSpanId, b.peerSpanId) ||
    a.ordinal - b.ordinal ||
    compare(a.identity, b.identity)
  )
}

function compare<Value>(a: Value, b: Value): number {
  return a < b ? -1 : Number(a > b)
}

function toIdentity({ direction, spanId, peerTraceId, peerSpanId, ordinal, identity }: LinkKey): string {
  return [direction, spanId, peerTraceId, peerSpanId, ordinal, identity].join(' ')
}
