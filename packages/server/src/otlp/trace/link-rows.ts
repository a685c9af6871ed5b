import { copyBytes } from '../../runtime/copy-bytes.ts'
import { RowWriter } from '../row-writer.ts'
import type { Source } from '../wire/source.ts'
import { WireReader } from '../wire/wire-reader.ts'
import { LinkFields } from './link.ts'
import { isValidId, LINK, type SpanFields, writeTimes } from './span.ts'
import { MAX_KIND, MAX_STATUS } from './span-row.ts'

const link = new LinkFields()

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
 */
export function writeLinkRows(
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
    link.read(reader, end, ordinal)
    const row = writer.pos
    writer.u32(received)
    writer.copy(reader.view, span.traceIdAt, 16)
    writer.u8(OUT)
    writer.copy(reader.view, span.spanIdAt, 8)
    link.writeIds(reader, writer)
    const rest = writer.pos
    writer.u32(ordinal++)
    writeTimes(reader, writer, span)
    writer.copy(source.service, 0, source.service.byteLength)
    writer.string(reader.view, span.nameAt, span.nameLength)
    writer.u8(span.kind > MAX_KIND ? 0 : span.kind)
    writer.u8(span.statusCode > MAX_STATUS ? 0 : span.statusCode)
    link.writeRest(reader, writer)
    rows++
    if (isValidId(reader, link.traceIdAt, link.traceIdLength, 16)) {
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
