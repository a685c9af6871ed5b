import type { Span } from '@spanlink/api-schema'
import { PAYLOAD_VERSION } from '../../clickhouse/insert/trace-rows.ts'
import { PayloadError, type PayloadReader } from '../../clickhouse/read/payload-reader.ts'

/** Key and text of each attribute; `decodeAttributes` gives the value its type. */
export type Entries = [key: string, text: string][]

/** What spans of an operation share, as decoded from `shape`. */
export type SpanShape = {
  readonly kind: Span['kind']
  readonly status: Span['status']['code']
  readonly service: string
  readonly name: string
  readonly sourceId: string
  readonly keys: readonly string[]
  readonly attributeTypes: string
  /** Of the resource; '' if it names none. */
  readonly resourceCluster: string
}

/** A span without attributes. */
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

/** The rest of a span. */
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

/** By their numbers in a shape. */
export const KINDS: readonly Span['kind'][] = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer']
export const STATUSES: readonly Span['status']['code'][] = ['unset', 'ok', 'error']
const NO_SPAN = '0000000000000000'

/** Bytes of an event and of a link at least: fixed fields and lengths of zero. */
export const MIN_EVENT_BYTES = 15
export const MIN_LINK_BYTES = 35

/** @throws PayloadError */
export function readSpanShape(reader: PayloadReader): SpanShape {
  const { kind, status, service, name } = readOperation(reader)
  const shape = {
    kind,
    status,
    service,
    name,
    sourceId: String(reader.u64()),
    keys: readList(reader, 1, readText),
    attributeTypes: reader.text(),
    resourceCluster: reader.text(),
  }
  checkEnd(reader)
  return shape
}

/** @throws PayloadError */
export function readSpanHead(reader: PayloadReader, traceId: string, spanId: string, shape: SpanShape): SpanHead {
  const parent = reader.hex(8)
  const head = {
    traceId,
    spanId,
    parentSpanId: parent === NO_SPAN ? '' : parent,
    start: reader.u64(),
    duration: reader.i64(),
    kind: shape.kind,
    status: shape.status,
    service: shape.service,
    name: shape.name,
    sourceId: shape.sourceId,
    eventTimes: readList(reader, 8, readTime),
    linkCount: reader.u32(),
  }
  checkEnd(reader)
  return head
}

/** @throws PayloadError */
export function readSpanBody(reader: PayloadReader, { keys, attributeTypes, resourceCluster }: SpanShape): SpanBody {
  const body = {
    attributes: readValues(reader, keys),
    attributeTypes,
    statusMessage: reader.text(),
    traceState: reader.text(),
    flags: reader.u32(),
    droppedAttributes: reader.u32(),
    droppedEvents: reader.u32(),
    droppedLinks: reader.u32(),
    events: readList(reader, MIN_EVENT_BYTES, readEvent),
    links: readList(reader, MIN_LINK_BYTES, readLink),
    resourceCluster,
  }
  checkEnd(reader)
  return body
}

/** An attribute as stored: its text, and its type code of `spans.attr_types`. */
export type StoredValue = { readonly text: string; readonly code: string }

/**
 * Of a span's body, the attributes with these keys, the first of each, and the status message.
 *
 * @throws PayloadError
 */
export function readSpanValues(
  reader: PayloadReader,
  { keys, attributeTypes }: SpanShape,
  wanted: ReadonlySet<string>,
): { readonly attributes: ReadonlyMap<string, StoredValue>; readonly statusMessage: string } {
  const attributes = new Map<string, StoredValue>()
  for (const [at, key] of keys.entries()) {
    if (!wanted.has(key) || attributes.has(key)) reader.skipText()
    else attributes.set(key, { text: reader.text(), code: attributeTypes[at] ?? 's' })
  }
  return { attributes, statusMessage: reader.text() }
}

/** @throws PayloadError */
export function readOperation(reader: PayloadReader): Pick<SpanShape, 'kind' | 'status' | 'service' | 'name'> {
  const version = reader.u8()
  if (version !== PAYLOAD_VERSION) throw new PayloadError(`version ${version}, expected ${PAYLOAD_VERSION}`)
  return {
    kind: readElement(reader, KINDS),
    status: readElement(reader, STATUSES),
    service: reader.text(),
    name: reader.text(),
  }
}

export function readValues(reader: PayloadReader, keys: readonly string[]): Entries {
  const entries: Entries = []
  for (const key of keys) entries.push([key, reader.text()])
  return entries
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
  return {
    traceId: reader.hex(16),
    spanId: reader.hex(8),
    traceState: reader.text(),
    flags: reader.u32(),
    attributes: reader.entries(),
    attributeTypes: reader.text(),
    droppedAttributes: reader.u32(),
  }
}

function readTime(reader: PayloadReader): bigint {
  return reader.u64()
}

export function readText(reader: PayloadReader): string {
  return reader.text()
}

export function readList<T>(reader: PayloadReader, minBytes: number, readOne: (reader: PayloadReader) => T): T[] {
  const list: T[] = []
  for (let left = reader.count(minBytes); left > 0; left--) list.push(readOne(reader))
  return list
}

function readElement<T>(reader: PayloadReader, elements: readonly T[]): T {
  const number = reader.u8()
  const element = elements[number]
  if (element === undefined) throw new PayloadError(`unknown kind or status ${number}`)
  return element
}

export function checkEnd(reader: PayloadReader): void {
  if (reader.pos !== reader.end) throw new PayloadError(`${reader.end - reader.pos} bytes follow the last field`)
}
