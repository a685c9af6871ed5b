import { AttributeList } from '../wire/attribute-list.ts'
import { MAX_EVENTS, MAX_LINKS } from '../limits.ts'
import { RowWriter } from '../row-writer.ts'
import { WireReader } from '../wire/wire-reader.ts'

/**
 * opentelemetry/proto/trace/v1/trace.proto, Span and Status.
 *
 * | Span                     | tag  | | Span                     | tag   | | Status    | tag  |
 * |--------------------------|------|-|--------------------------|-------|-|-----------|------|
 * | 1 trace_id, 16 bytes     | 0x0a | | 9 attributes             | 0x4a  | | 2 message | 0x12 |
 * | 2 span_id, 8 bytes       | 0x12 | | 10 dropped_attributes…   | 0x50  | | 3 code    | 0x18 |
 * | 3 trace_state            | 0x1a | | 11 events                | 0x5a  |
 * | 4 parent_span_id         | 0x22 | | 12 dropped_events_count  | 0x60  |
 * | 5 name                   | 0x2a | | 13 links                 | 0x6a  |
 * | 6 kind                   | 0x30 | | 14 dropped_links_count   | 0x70  |
 * | 7 start_time_unix_nano   | 0x39 | | 15 status                | 0x7a  |
 * | 8 end_time_unix_nano     | 0x41 | | 16 flags, fixed32        | 0x85  |
 *
 * `SpanFields` holds the position of each field. One instance is reused for every span.
 */
export class SpanFields {
  readonly attributes = new AttributeList()
  traceIdAt = 0
  traceIdLength = 0
  spanIdAt = 0
  spanIdLength = 0
  traceStateAt = 0
  traceStateLength = 0
  parentAt = 0
  parentLength = 0
  nameAt = 0
  nameLength = 0
  kind = 0
  startAt = -1
  endAt = -1
  droppedAttributes = 0
  /**
   * Position of the first event, or -1; later events are found by reading on. `linksAt` likewise.
   */
  eventsAt = -1
  eventCount = 0
  droppedEvents = 0
  linksAt = -1
  linkCount = 0
  droppedLinks = 0
  statusCode = 0
  statusMessageAt = 0
  statusMessageLength = 0
  flagsAt = -1

  read(reader: WireReader, end: number): void {
    this.#clear()
    while (reader.pos < end) {
      const tag = reader.varint()
      switch (tag) {
        case 0x0a:
          this.traceIdLength = reader.length(end)
          this.traceIdAt = reader.pos
          reader.pos += this.traceIdLength
          break
        case 0x12:
          this.spanIdLength = reader.length(end)
          this.spanIdAt = reader.pos
          reader.pos += this.spanIdLength
          break
        case 0x1a:
          this.traceStateLength = reader.length(end)
          this.traceStateAt = reader.pos
          reader.pos += this.traceStateLength
          break
        case 0x22:
          this.parentLength = reader.length(end)
          this.parentAt = reader.pos
          reader.pos += this.parentLength
          break
        case 0x2a:
          this.nameLength = reader.length(end)
          this.nameAt = reader.pos
          reader.pos += this.nameLength
          break
        case 0x30:
          this.kind = reader.varint()
          break
        case 0x39:
          this.startAt = reader.skipFixed64()
          break
        case 0x41:
          this.endAt = reader.skipFixed64()
          break
        case 0x4a:
          this.attributes.read(reader, reader.readEnd(end))
          break
        case 0x50:
          this.droppedAttributes = reader.varint()
          break
        case EVENT:
          if (this.eventCount++ === 0) this.eventsAt = reader.pos - 1
          reader.pos = reader.readEnd(end)
          break
        case 0x60:
          this.droppedEvents = reader.varint()
          break
        case LINK:
          if (this.linkCount++ === 0) this.linksAt = reader.pos - 1
          reader.pos = reader.readEnd(end)
          break
        case 0x70:
          this.droppedLinks = reader.varint()
          break
        case 0x7a:
          this.#readStatus(reader, reader.readEnd(end))
          break
        case 0x85:
          this.flagsAt = reader.pos
          reader.pos += 4
          break
        default:
          reader.skip(tag, end)
      }
    }
    reader.endMessage(end)
  }

  #readStatus(reader: WireReader, end: number): void {
    while (reader.pos < end) {
      const tag = reader.varint()
      if (tag === 0x12) {
        this.statusMessageLength = reader.length(end)
        this.statusMessageAt = reader.pos
        reader.pos += this.statusMessageLength
      } else if (tag === 0x18) this.statusCode = reader.varint()
      else reader.skip(tag, end)
    }
    reader.endMessage(end)
  }

  #clear(): void {
    this.attributes.clear()
    this.traceIdLength = 0
    this.spanIdLength = 0
    this.traceStateLength = 0
    this.parentLength = 0
    this.nameLength = 0
    this.kind = 0
    this.startAt = -1
    this.endAt = -1
    this.droppedAttributes = 0
    this.eventsAt = -1
    this.eventCount = 0
    this.droppedEvents = 0
    this.linksAt = -1
    this.linkCount = 0
    this.droppedLinks = 0
    this.statusCode = 0
    this.statusMessageLength = 0
    this.flagsAt = -1
  }
}

/** Tags of the repeated messages that are read again from `eventsAt` and `linksAt`. */
export const EVENT = 0x5a
export const LINK = 0x6a

/** Returns whether an id is valid in OTLP: the right length and not all zeros. */
export function isValidId(reader: WireReader, at: number, length: number, wanted: 16 | 8): boolean {
  if (length !== wanted) return false
  for (let i = at; i < at + length; i++) if (reader.bytes[i] !== 0) return true
  return false
}

/** Returns why a span can't be stored, or ''. A parent id of eight zeros means "no parent". */
export function findSpanRejection(reader: WireReader, span: SpanFields): string {
  if (!isValidId(reader, span.traceIdAt, span.traceIdLength, 16))
    return describeInvalidId('trace id', span.traceIdLength, 16)
  if (!isValidId(reader, span.spanIdAt, span.spanIdLength, 8)) return describeInvalidId('span id', span.spanIdLength, 8)
  if (span.parentLength !== 0 && span.parentLength !== 8)
    return describeInvalidId('parent span id', span.parentLength, 8)
  if (span.linkCount > MAX_LINKS) return `has ${span.linkCount} links; the maximum is ${MAX_LINKS}`
  return span.eventCount > MAX_EVENTS ? `has ${span.eventCount} events; the maximum is ${MAX_EVENTS}` : ''
}

export function describeInvalidId(what: string, length: number, wanted: number): string {
  return length === wanted ? `${what} is all zero` : `${what} has ${length} bytes, not ${wanted}`
}

/**
 * Writes start and duration: end - start modulo 2^64, in two 32-bit halves, so the exact end can be
 * restored.
 */
export function writeTimes(reader: WireReader, writer: RowWriter, span: SpanFields): void {
  const { view } = reader
  const startLow = span.startAt < 0 ? 0 : view.getUint32(span.startAt, true)
  const startHigh = span.startAt < 0 ? 0 : view.getUint32(span.startAt + 4, true)
  const endLow = span.endAt < 0 ? 0 : view.getUint32(span.endAt, true)
  const endHigh = span.endAt < 0 ? 0 : view.getUint32(span.endAt + 4, true)
  writer.reserve(16)
  const at = writer.pos
  writer.view.setUint32(at, startLow, true)
  writer.view.setUint32(at + 4, startHigh, true)
  writer.view.setUint32(at + 8, endLow - startLow, true)
  writer.view.setUint32(at + 12, endHigh - startHigh - (endLow < startLow ? 1 : 0), true)
  writer.pos = at + 16
}
