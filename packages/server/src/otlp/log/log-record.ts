import { writeAnyValue } from '../wire/any-value.ts'
import { AttributeList } from '../wire/attribute-list.ts'
import { RowWriter } from '../row-writer.ts'
import type { Source } from '../wire/source.ts'
import { isValidId } from '../trace/span.ts'
import { WireReader } from '../wire/wire-reader.ts'

/**
 * opentelemetry/proto/logs/v1/logs.proto, LogRecord.
 *
 * | LogRecord                | tag  | | LogRecord                  | tag  |
 * |--------------------------|------|-|----------------------------|------|
 * | 1 time_unix_nano         | 0x09 | | 7 dropped_attributes_count | 0x38 |
 * | 2 severity_number        | 0x10 | | 8 flags, fixed32           | 0x45 |
 * | 3 severity_text          | 0x1a | | 9 trace_id, 16 bytes       | 0x4a |
 * | 5 body                   | 0x2a | | 10 span_id, 8 bytes        | 0x52 |
 * | 6 attributes             | 0x32 | | 11 observed_time_unix_nano | 0x59 |
 * |                          |      | | 12 event_name              | 0x62 |
 *
 * Holds the position of each field. One instance is reused for every record.
 */
export class LogFields {
  readonly attributes = new AttributeList()
  timeAt = -1
  observedAt = -1
  severity = 0
  severityTextAt = 0
  severityTextLength = 0
  bodyAt = 0
  bodyEnd = 0
  droppedAttributes = 0
  flagsAt = -1
  traceIdAt = 0
  traceIdLength = 0
  spanIdAt = 0
  spanIdLength = 0
  eventNameAt = 0
  eventNameLength = 0

  read(reader: WireReader, end: number): void {
    this.#clear()
    while (reader.pos < end) {
      const tag = reader.varint()
      switch (tag) {
        case 0x09:
          this.timeAt = reader.skipFixed64()
          break
        case 0x10:
          this.severity = reader.varint()
          break
        case 0x1a:
          this.severityTextLength = reader.length(end)
          this.severityTextAt = reader.pos
          reader.pos += this.severityTextLength
          break
        case 0x2a:
          this.bodyEnd = reader.readEnd(end)
          this.bodyAt = reader.pos
          reader.pos = this.bodyEnd
          break
        case 0x32:
          this.attributes.read(reader, reader.readEnd(end))
          break
        case 0x38:
          this.droppedAttributes = reader.varint()
          break
        case 0x45:
          this.flagsAt = reader.pos
          reader.pos += 4
          break
        case 0x4a:
          this.traceIdLength = reader.length(end)
          this.traceIdAt = reader.pos
          reader.pos += this.traceIdLength
          break
        case 0x52:
          this.spanIdLength = reader.length(end)
          this.spanIdAt = reader.pos
          reader.pos += this.spanIdLength
          break
        case 0x59:
          this.observedAt = reader.skipFixed64()
          break
        case 0x62:
          this.eventNameLength = reader.length(end)
          this.eventNameAt = reader.pos
          reader.pos += this.eventNameLength
          break
        default:
          reader.skip(tag, end)
      }
    }
    reader.endMessage(end)
  }

  #clear(): void {
    this.attributes.clear()
    this.timeAt = -1
    this.observedAt = -1
    this.severity = 0
    this.severityTextLength = 0
    this.bodyAt = 0
    this.bodyEnd = 0
    this.droppedAttributes = 0
    this.flagsAt = -1
    this.traceIdLength = 0
    this.spanIdLength = 0
    this.eventNameLength = 0
  }
}

/** FATAL4. Unknown numbers are stored as unspecified. */
const MAX_SEVERITY = 24

/**
 * Appends the row of schema/logs.sql. A record with invalid ids is stored without a trace or span
 * (https://opentelemetry.io/docs/specs/otel/logs/data-model/#trace-context-fields).
 */
export function writeLog(
  reader: WireReader,
  writer: RowWriter,
  received: number,
  source: Source,
  log: LogFields,
): void {
  writer.u32(received)
  if (log.timeAt < 0) writer.zeros(8)
  else writer.copy(reader.view, log.timeAt, 8)
  if (log.observedAt < 0) writer.zeros(8)
  else writer.copy(reader.view, log.observedAt, 8)
  writeId(reader, writer, log.traceIdAt, log.traceIdLength, 16)
  writeId(reader, writer, log.spanIdAt, log.spanIdLength, 8)
  writer.u32(log.flagsAt < 0 ? 0 : reader.view.getUint32(log.flagsAt, true))
  writer.u8(log.severity > MAX_SEVERITY ? 0 : log.severity)
  writer.string(reader.view, log.severityTextAt, log.severityTextLength)
  writer.string(reader.view, log.eventNameAt, log.eventNameLength)
  writer.copy(source.service, 0, source.service.byteLength)
  writer.copy(source.id, 0, 8)
  const letter = writeAnyValue(reader, writer, log.bodyAt, log.bodyEnd)
  writer.u8(1)
  writer.u8(letter)
  log.attributes.write(writer)
  writer.u32(log.droppedAttributes)
}

/** Writes an id. An invalid id is stored as zeros. */
export function writeId(reader: WireReader, writer: RowWriter, at: number, length: number, wanted: 16 | 8): void {
  if (isValidId(reader, at, length, wanted)) writer.copy(reader.view, at, wanted)
  else writer.zeros(wanted)
}

/** Describes which id was dropped because of its length, so that the client is informed, or ''. */
export function describeDroppedId(owner: string, traceIdLength: number, spanIdLength: number): string {
  if (traceIdLength !== 0 && traceIdLength !== 16) {
    return `${owner}stored without its trace id, which has ${traceIdLength} bytes, not 16`
  }
  if (spanIdLength !== 0 && spanIdLength !== 8) {
    return `${owner}stored without its span id, which has ${spanIdLength} bytes, not 8`
  }
  return ''
}
