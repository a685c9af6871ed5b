import { AttributeList } from '../wire/attribute-list.ts'
import { writeText } from '../redact/write-text.ts'
import { RowWriter } from '../row-writer.ts'
import type { Source } from '../wire/source.ts'
import { LinkFields } from './link.ts'
import { EVENT, LINK, type SpanFields, writeTimes } from './span.ts'
import { WireReader } from '../wire/wire-reader.ts'

/**
 * Maximum kind and status in the enums of the tables. Unknown values are stored as unspecified and
 * unset.
 */
const MAX_KIND = 5
const MAX_STATUS = 2

const nested = new AttributeList()

/** Appends the fields of insert/span-fields.ts; `cluster` is that of the resource. */
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
  writeText(reader, writer, span.nameAt, span.nameLength)
  writer.copy(source.id, 0, 8)
  span.attributes.write(writer)
  writeText(reader, writer, span.statusMessageAt, span.statusMessageLength)
  writer.string(reader.view, span.traceStateAt, span.traceStateLength)
  writer.u32(span.flagsAt < 0 ? 0 : reader.view.getUint32(span.flagsAt, true))
  writer.u32(span.droppedAttributes)
  writer.u32(span.droppedEvents)
  writer.u32(span.droppedLinks)
  writer.varint(span.eventCount)
  if (span.eventCount > 0) writeEvents(reader, writer, span, end)
  writer.varint(span.linkCount)
  if (span.linkCount > 0) writeLinks(reader, writer, span, end)
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
    writeText(reader, writer, nameAt, nameLength)
    nested.write(writer)
    writer.u32(dropped)
    reader.pos = end
  }
}

const link = new LinkFields()

/** A link with empty or all-zero ids is kept for its attributes, as the specification requires. */
function writeLinks(reader: WireReader, writer: RowWriter, span: SpanFields, spanEnd: number): void {
  reader.pos = span.linksAt
  for (let ordinal = 0; ordinal < span.linkCount;) {
    const spanTag = reader.varint()
    if (spanTag !== LINK) {
      reader.skip(spanTag, spanEnd)
      continue
    }
    link.read(reader, reader.readEnd(spanEnd), ordinal++)
    link.writeIds(reader, writer)
    link.writeRest(reader, writer)
  }
}
