import { copyBytes } from '../../runtime/copy-bytes.ts'
import { AttributeList } from '../wire/attribute-list.ts'
import { OtlpError } from '../error.ts'
import { RowWriter } from '../row-writer.ts'
import type { Source } from '../wire/source.ts'
import { EVENT, describeInvalidId, isValidId, LINK, type SpanFields, writeTimes } from './span.ts'
import { WireReader } from '../wire/wire-reader.ts'

/**
 * Maximum kind and status in the enums of the tables. Unknown values are stored as unspecified and
 * unset.
 */
const MAX_KIND = 5
const MAX_STATUS = 2

const nested = new AttributeList()

/** Appends the row of schema/spans.sql; its `cluster` is that of the resource. */
export function writeSpan(
  reader: WireReader,
  writer: RowWriter,
  received: number,
  source: Source,
  span: SpanFields,
  end: number,
): void {
  writer.u32(received)
  writer.copy(reader.view, span.traceIdAt, 16)
  writer.copy(reader.view, span.spanIdAt, 8)
  if (span.parentLength === 8) writer.copy(reader.view, span.parentAt, 8)
  else writer.zeros(8)
  writeTimes(reader, writer, span)
  writer.u8(span.kind > MAX_KIND ? 0 : span.kind)
  writer.u8(span.statusCode > MAX_STATUS ? 0 : span.statusCode)
  writer.copy(source.service, 0, source.service.byteLength)
  writer.string(reader.view, span.nameAt, span.nameLength)
  writer.copy(source.id, 0, 8)
  span.attributes.write(writer)
  writer.string(reader.view, span.statusMessageAt, span.statusMessageLength)
  writer.string(reader.view, span.traceStateAt, span.traceStateLength)
  writer.u32(span.flagsAt < 0 ? 0 : reader.view.getUint32(span.flagsAt, true))
  writer.u32(span.droppedAttributes)
  writer.u32(span.droppedEvents)
  writer.u32(span.droppedLinks)
  writer.varint(span.eventCount)
  if (span.eventCount > 0) writeEvents(reader, writer, span, end)
  writer.copy(source.cluster, 0, source.cluster.byteLength)
}

/**
 * | Event             | tag  |
 * |-------------------|------|
 * | 1 time_unix_nano  | 0x09 |
 * | 2 name            | 0x12 |
 * | 3 attributes      | 0x1a |
 * | 4 dropped_attr…   | 0x20 |
 */
function writeEvents(reader: WireReader, writer: RowWriter, span: SpanFields, spanEnd: number): void {
  reader.pos = span.eventsAt
  while (reader.pos < spanEnd) {
    const spanTag = reader.varint()
    if (spanTag !== EVENT) {
      reader.skip(spanTag, spanEnd)
      continue
    }
    const end = reader.readEnd(spanEnd)
    let timeAt = -1
    let nameAt = 0
    let nameLength = 0
    let dropped = 0
    nested.clear()
    while (reader.pos < end) {
      const tag = reader.varint()
      if (tag === 0x09) timeAt = reader.skipFixed64()
      else if (tag === 0x12) {
        nameLength = reader.length(end)
        nameAt = reader.pos
        reader.pos += nameLength
      } else if (tag === 0x1a) nested.read(reader, reader.readEnd(end))
      else if (tag === 0x20) dropped = reader.varint()
      else reader.skip(tag, end)
    }
    reader.endMessage(end)
    if (timeAt < 0) writer.zeros(8)
    else writer.copy(reader.view, timeAt, 8)
    writer.string(reader.view, nameAt, nameLength)
    nested.write(writer)
    writer.u32(dropped)
    reader.pos = end
  }
}

/** Returns an upper bound for the size of the two rows of each link, without reading the links. */
export function estimateLinkRowBytes(source: Source, span: SpanFields, spanBytes: number): number {
  return 2 * (span.linkCount * (LINK_ROW_BYTES + source.service.byteLength + span.nameLength) + spanBytes)
}

/** Bytes of ids, times, counts and lengths. */
const LINK_ROW_BYTES = 128

/**
 * Appends the rows of schema/span_links.sql: 'out' for every link, 'in' if its trace id is valid.
 * Returns the number of rows. A link with empty or all-zero ids is kept for its attributes, as the
 * specification requires.
 *
 * | Link            | tag  | | Link                | tag  |
 * |-----------------|------|-|---------------------|------|
 * | 1 trace_id      | 0x0a | | 4 attributes        | 0x22 |
 * | 2 span_id       | 0x12 | | 5 dropped_attr…     | 0x28 |
 * | 3 trace_state   | 0x1a | | 6 flags, fixed32    | 0x35 |
 */
export function writeLinks(
  reader: WireReader,
  writer: RowWriter,
  received: number,
  source: Source,
  span: SpanFields,
  spanEnd: number,
): number {
  let rows = 0
  let ordinal = 0
  reader.pos = span.linksAt
  while (reader.pos < spanEnd) {
    const spanTag = reader.varint()
    if (spanTag !== LINK) {
      reader.skip(spanTag, spanEnd)
      continue
    }
    const end = reader.readEnd(spanEnd)
    let traceIdAt = 0
    let traceIdLength = 0
    let spanIdAt = 0
    let spanIdLength = 0
    let traceStateAt = 0
    let traceStateLength = 0
    let dropped = 0
    let flagsAt = -1
    nested.clear()
    while (reader.pos < end) {
      const tag = reader.varint()
      if (tag === 0x0a) {
        traceIdLength = reader.length(end)
        traceIdAt = reader.pos
        reader.pos += traceIdLength
      } else if (tag === 0x12) {
        spanIdLength = reader.length(end)
        spanIdAt = reader.pos
        reader.pos += spanIdLength
      } else if (tag === 0x1a) {
        traceStateLength = reader.length(end)
        traceStateAt = reader.pos
        reader.pos += traceStateLength
      } else if (tag === 0x22) nested.read(reader, reader.readEnd(end))
      else if (tag === 0x28) dropped = reader.varint()
      else if (tag === 0x35) {
        flagsAt = reader.pos
        reader.pos += 4
      } else reader.skip(tag, end)
    }
    reader.endMessage(end)
    if (traceIdLength !== 0 && traceIdLength !== 16)
      throw createInvalidLinkError(ordinal, 'trace id', traceIdLength, 16)
    if (spanIdLength !== 0 && spanIdLength !== 8) throw createInvalidLinkError(ordinal, 'span id', spanIdLength, 8)
    const row = writer.pos
    writer.u32(received)
    writer.copy(reader.view, span.traceIdAt, 16)
    writer.u8(OUT)
    writer.copy(reader.view, span.spanIdAt, 8)
    if (traceIdLength === 16) writer.copy(reader.view, traceIdAt, 16)
    else writer.zeros(16)
    if (spanIdLength === 8) writer.copy(reader.view, spanIdAt, 8)
    else writer.zeros(8)
    const rest = writer.pos
    writer.u32(ordinal++)
    writeTimes(reader, writer, span)
    writer.copy(source.service, 0, source.service.byteLength)
    writer.string(reader.view, span.nameAt, span.nameLength)
    writer.u8(span.kind > MAX_KIND ? 0 : span.kind)
    writer.u8(span.statusCode > MAX_STATUS ? 0 : span.statusCode)
    writer.string(reader.view, traceStateAt, traceStateLength)
    writer.u32(flagsAt < 0 ? 0 : reader.view.getUint32(flagsAt, true))
    nested.write(writer)
    writer.u32(dropped)
    rows++
    if (isValidId(reader, traceIdAt, traceIdLength, 16)) {
      writeMirrored(writer, row, rest)
      rows++
    }
    reader.pos = end
  }
  return rows
}

const OUT = 1
const IN = 2

/** Appends a copy of the row at `row` for the other end of the link: the ids are swapped. */
function writeMirrored(writer: RowWriter, row: number, rest: number): void {
  const end = writer.pos
  writer.reserve(end - row)
  const { view } = writer
  copyBytes(view, row, view, end, 4)
  copyBytes(view, row + 29, view, end + 4, 16)
  view.setUint8(end + 20, IN)
  copyBytes(view, row + 45, view, end + 21, 8)
  copyBytes(view, row + 4, view, end + 29, 16)
  copyBytes(view, row + 21, view, end + 45, 8)
  copyBytes(view, rest, view, end + 53, end - rest)
  writer.pos = end + end - row
}

function createInvalidLinkError(ordinal: number, what: string, length: number, wanted: 16 | 8): OtlpError {
  return new OtlpError('bad-field', `link ${ordinal}: ${describeInvalidId(what, length, wanted)}`)
}
