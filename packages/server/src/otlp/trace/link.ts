import { OtlpError } from '../error.ts'
import { RowWriter } from '../row-writer.ts'
import { AttributeList } from '../wire/attribute-list.ts'
import { WireReader } from '../wire/wire-reader.ts'
import { describeInvalidId } from './span.ts'

/**
 * opentelemetry/proto/trace/v1/trace.proto, Span.Link.
 *
 * | Link            | tag  | | Link                | tag  |
 * |-----------------|------|-|---------------------|------|
 * | 1 trace_id      | 0x0a | | 4 attributes        | 0x22 |
 * | 2 span_id       | 0x12 | | 5 dropped_attr…     | 0x28 |
 * | 3 trace_state   | 0x1a | | 6 flags, fixed32    | 0x35 |
 *
 * Holds the position of each field. One instance is reused for every link.
 */
export class LinkFields {
  readonly attributes = new AttributeList()
  traceIdAt = 0
  traceIdLength = 0
  spanIdAt = 0
  spanIdLength = 0
  traceStateAt = 0
  traceStateLength = 0
  dropped = 0
  flagsAt = -1

  /**
   * Leaves the reader at `end`.
   *
   * @param ordinal index of the link among those of its span, for the error
   * @throws OtlpError `bad-field` when an id has a wrong length
   */
  read(reader: WireReader, end: number, ordinal: number): void {
    this.#clear()
    while (reader.pos < end) {
      const tag = reader.varint()
      if (tag === 0x0a) {
        this.traceIdLength = reader.length(end)
        this.traceIdAt = reader.pos
        reader.pos += this.traceIdLength
      } else if (tag === 0x12) {
        this.spanIdLength = reader.length(end)
        this.spanIdAt = reader.pos
        reader.pos += this.spanIdLength
      } else if (tag === 0x1a) {
        this.traceStateLength = reader.length(end)
        this.traceStateAt = reader.pos
        reader.pos += this.traceStateLength
      } else if (tag === 0x22) this.attributes.read(reader, reader.readEnd(end))
      else if (tag === 0x28) this.dropped = reader.varint()
      else if (tag === 0x35) {
        this.flagsAt = reader.pos
        reader.pos += 4
      } else reader.skip(tag, end)
    }
    reader.endMessage(end)
    if (this.traceIdLength !== 0 && this.traceIdLength !== 16)
      throw createInvalidLinkError(ordinal, 'trace id', this.traceIdLength, 16)
    if (this.spanIdLength !== 0 && this.spanIdLength !== 8)
      throw createInvalidLinkError(ordinal, 'span id', this.spanIdLength, 8)
    reader.pos = end
  }

  /** Writes the ids; empty ones as zeros. */
  writeIds(reader: WireReader, writer: RowWriter): void {
    if (this.traceIdLength === 16) writer.copy(reader.view, this.traceIdAt, 16)
    else writer.zeros(16)
    if (this.spanIdLength === 8) writer.copy(reader.view, this.spanIdAt, 8)
    else writer.zeros(8)
  }

  writeRest(reader: WireReader, writer: RowWriter): void {
    writer.string(reader.view, this.traceStateAt, this.traceStateLength)
    writer.u32(this.flagsAt < 0 ? 0 : reader.view.getUint32(this.flagsAt, true))
    this.attributes.write(writer)
    writer.u32(this.dropped)
  }

  #clear(): void {
    this.attributes.clear()
    this.traceIdLength = 0
    this.spanIdLength = 0
    this.traceStateLength = 0
    this.dropped = 0
    this.flagsAt = -1
  }
}

function createInvalidLinkError(ordinal: number, what: string, length: number, wanted: 16 | 8): OtlpError {
  return new OtlpError('bad-field', `link ${ordinal}: ${describeInvalidId(what, length, wanted)}`)
}
