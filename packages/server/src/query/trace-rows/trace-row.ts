import type { Span } from '@spanlink/api-schema'
import { PAYLOAD_VERSION } from '../../clickhouse/insert/trace-rows.ts'
import { PayloadError, type PayloadReader } from './payload-reader.ts'

/** Key and text of each attribute; `decodeAttributes` gives the value its type. */
export type Entries = [key: string, text: string][]

/** A span without attributes, as decoded from `head`. */
export type SpanHead = {
  readonly traceId: string
  readonly spanId: string
  /** '' for a root. */
  readonly parentSpanId: string
  /** Unix nanoseconds. */
  readonly start: bigint
  /** Nanoseconds: the end is `start + duration`, modulo 2^64. */
  readonly duration: bigint
  readonly kind: Span['kind']
  readonly status: Span['status']['code']
  readonly service: string
  readonly name: string
  readonly sourceId: string
  /** Times of the first events, at most `MAX_EVENT_TIMES`. */
  readonly eventTimes: readonly bigint[]
  readonly linkCount: number
}

/** The rest of a span, as decoded from `body`. */
export type SpanBody = {
  readonly attributes: Entries
  readonly attributeTypes: string
  readonly statusMessage: string
  readonly traceState: string
  readonly flags: number
  readonly droppedAttributes: number
  readonly droppedEvents: number
  readonly droppedLinks: number
  readonly events: readonly EventRow[]
  readonly links: readonly LinkRow[]
  /** Of the resource; '' if it names none. */
  readonly resourceCluster: string
}

export type SpanRow = SpanHead & SpanBody

export type EventRow = {
  readonly time: bigint
  readonly name: string
  readonly attributes: Entries
  readonly attributeTypes: string
  readonly droppedAttributes: number
}

/** What a link says, apart from the ids of its ends. */
export type LinkBody = {
  readonly traceState: string
  readonly flags: number
  readonly attributes: Entries
  readonly attributeTypes: string
  readonly droppedAttributes: number
}

/** A link of a span, to a span of any trace; ids of zeros if the sender left them out. */
export type LinkRow = LinkBody & { readonly traceId: string; readonly spanId: string }

/** A link to the span `spanId` of `traceId`, with what is known of the linking span. */
export type BacklinkHead = {
  readonly traceId: string
  readonly spanId: string
  readonly linkingTraceId: string
  readonly linkingSpanId: string
  /** Index among the linking span's links, from 0. */
  readonly ordinal: number
  readonly start: bigint
  readonly duration: bigint
  readonly kind: Span['kind']
  readonly status: Span['status']['code']
  readonly service: string
  readonly name: string
}

export type BacklinkRow = BacklinkHead & LinkBody

const KINDS: readonly Span['kind'][] = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer']
const STATUSES: readonly Span['status']['code'][] = ['unset', 'ok', 'error']
const NO_SPAN = '0000000000000000'

/** Bytes of an event and of a link at least: fixed fields and lengths of zero. */
const MIN_EVENT_BYTES = 15
const MIN_LINK_BYTES = 35

/** @throws PayloadError */
export function readSpanHead(reader: PayloadReader, traceId: string, spanId: string): SpanHead {
  checkVersion(reader)
  const parent = reader.hex(8)
  const head = {
    traceId,
    spanId,
    parentSpanId: parent === NO_SPAN ? '' : parent,
    start: reader.u64(),
    duration: reader.i64(),
    kind: readElement(reader, KINDS),
    status: readElement(reader, STATUSES),
    service: reader.text(),
    name: reader.text(),
    sourceId: String(reader.u64()),
    eventTimes: readList(reader, 8, (event) => event.u64()),
    linkCount: reader.u32(),
  }
  checkEnd(reader)
  return head
}

/** @throws PayloadError */
export function readSpanBody(reader: PayloadReader): SpanBody {
  const body = {
    attributes: reader.entries(),
    attributeTypes: reader.text(),
    statusMessage: reader.text(),
    traceState: reader.text(),
    flags: reader.u32(),
    droppedAttributes: reader.u32(),
    droppedEvents: reader.u32(),
    droppedLinks: reader.u32(),
    events: readList(reader, MIN_EVENT_BYTES, readEvent),
    links: readList(reader, MIN_LINK_BYTES, readLink),
    resourceCluster: reader.text(),
  }
  checkEnd(reader)
  return body
}

/** @throws PayloadError */
export function readBacklinkHead(reader: PayloadReader, traceId: string, spanId: string): BacklinkHead {
  checkVersion(reader)
  const head = {
    traceId,
    spanId,
    linkingTraceId: reader.hex(16),
    linkingSpanId: reader.hex(8),
    ordinal: reader.u32(),
    start: reader.u64(),
    duration: reader.i64(),
    kind: readElement(reader, KINDS),
    status: readElement(reader, STATUSES),
    service: reader.text(),
    name: reader.text(),
  }
  checkEnd(reader)
  return head
}

/** @throws PayloadError */
export function readBacklinkBody(reader: PayloadReader): LinkBody {
  const body = readLinkBody(reader)
  checkEnd(reader)
  return body
}

function readEvent(reader: PayloadReader): EventRow {
  return {
    time: reader.u64(),
    name: reader.text(),
    attributes: reader.entries(),
    attributeTypes: reader.text(),
    droppedAttributes: reader.u32(),
  }
}

function readLink(reader: PayloadReader): LinkRow {
  return { traceId: reader.hex(16), spanId: reader.hex(8), ...readLinkBody(reader) }
}

function readLinkBody(reader: PayloadReader): LinkBody {
  return {
    traceState: reader.text(),
    flags: reader.u32(),
    attributes: reader.entries(),
    attributeTypes: reader.text(),
    droppedAttributes: reader.u32(),
  }
}

function readList<T>(reader: PayloadReader, minBytes: number, readOne: (reader: PayloadReader) => T): readonly T[] {
  const count = reader.count(minBytes)
  if (count === 0) return []
  return Array.from({ length: count }, () => readOne(reader))
}

function readElement<T>(reader: PayloadReader, elements: readonly T[]): T {
  const number = reader.u8()
  const element = elements[number]
  if (element === undefined) throw new PayloadError(`unknown kind or status ${number}`)
  return element
}

function checkVersion(reader: PayloadReader): void {
  const version = reader.u8()
  if (version !== PAYLOAD_VERSION) throw new PayloadError(`version ${version}, expected ${PAYLOAD_VERSION}`)
}

function checkEnd(reader: PayloadReader): void {
  if (reader.pos !== reader.end) throw new PayloadError(`${reader.end - reader.pos} bytes follow the last field`)
}
