import type { AnyValue, KeyValue } from '@spanlink/api-schema'
import { MAX_DEPTH, OtlpError } from '../error.ts'
import { MAX_NESTED_VALUES } from '../limits.ts'
import { REDACTED } from '../redact/value-pattern.ts'
import { readRedactedText, writeText } from '../redact/write-text.ts'
import { RowWriter } from '../row-writer.ts'
import { WireReader } from './wire-reader.ts'

/**
 * opentelemetry/proto/common/v1/common.proto, AnyValue: a oneof, so the last field on the wire
 * counts.
 *
 * | field | tag  | type         | letter |
 * |-------|------|--------------|--------|
 * | 1     | 0x0a | string       | s      |
 * | 2     | 0x10 | bool         | b      |
 * | 3     | 0x18 | int64        | i      |
 * | 4     | 0x21 | double       | d      |
 * | 5     | 0x2a | ArrayValue   | a      |
 * | 6     | 0x32 | KeyValueList | k      |
 * | 7     | 0x3a | bytes        | x      |
 *
 * Field 8 (`string_value_strindex`) is for profiles only: absent here, like any unknown field.
 * ArrayValue and KeyValueList are repeated field 1 (0x0a); KeyValue is key 1 (0x0a), value 2
 * (0x12).
 */
const STRING = 0x0a
const BOOL = 0x10
const INT = 0x18
const DOUBLE = 0x21
const ARRAY = 0x2a
const KVLIST = 0x32
const BYTES = 0x3a

export const TYPE_CODES = { s: 0x73, b: 0x62, i: 0x69, d: 0x64, x: 0x78, a: 0x61, k: 0x6b, n: 0x6e } as const

/**
 * Writes the text of the AnyValue in `[at, end)` as a String. Returns the character code of its
 * type.
 */
export function writeAnyValue(reader: WireReader, writer: RowWriter, at: number, end: number): number {
  const bytes = reader.bytes
  // Fast path for nearly all attributes: one string shorter than 128 bytes and nothing else.
  if (end - at >= 2 && bytes[at] === STRING && bytes[at + 1] === end - at - 2 && end - at < 130) {
    if (reader.redactor === undefined) writer.copy(reader.view, at + 1, end - at - 1)
    else writeText(reader, writer, at + 2, end - at - 2)
    return TYPE_CODES.s
  }
  const tag = findValue(reader, at, end)
  switch (tag) {
    case STRING: {
      const length = reader.length(end)
      writeText(reader, writer, reader.pos, length)
      return TYPE_CODES.s
    }
    case BOOL:
      writer.text(readBool(reader) ? 'true' : 'false')
      return TYPE_CODES.b
    case INT: {
      // Fast path for nearly all integers: not negative and below 2^28.
      const { pos } = reader
      const small = reader.varint()
      if (reader.pos - pos <= 4) writer.decimal(small)
      else {
        reader.pos = pos
        writer.text(readInt(reader))
      }
      return TYPE_CODES.i
    }
    case DOUBLE:
      writer.text(formatDouble(reader.view.getFloat64(reader.pos, true)))
      return TYPE_CODES.d
    case BYTES:
      writer.text(readBytes(reader, end))
      return TYPE_CODES.x
    case ARRAY:
    case KVLIST:
      writer.text(JSON.stringify(readAnyValue(reader, at, end, 0)))
      return tag === ARRAY ? TYPE_CODES.a : TYPE_CODES.k
    default:
      writer.u8(0)
      return TYPE_CODES.n
  }
}

/**
 * Returns the tag of the field that counts, or 0 if none is set. Leaves the reader at its payload.
 */
function findValue(reader: WireReader, at: number, end: number): number {
  let found = 0
  let payload = end
  reader.pos = at
  while (reader.pos < end) {
    const tag = reader.varint()
    if (isValueTag(tag)) {
      found = tag
      payload = reader.pos
    }
    reader.skip(tag, end)
  }
  reader.endMessage(end)
  reader.pos = payload
  return found
}

function isValueTag(tag: number): boolean {
  switch (tag) {
    case STRING:
    case BOOL:
    case INT:
    case DOUBLE:
    case ARRAY:
    case KVLIST:
    case BYTES:
      return true
    default:
      return false
  }
}

function readAnyValue(reader: WireReader, at: number, end: number, depth: number): AnyValue {
  if (depth > MAX_DEPTH) throw new OtlpError('too-deep', `attribute value nests deeper than ${MAX_DEPTH}`)
  const tag = findValue(reader, at, end)
  switch (tag) {
    case STRING: {
      const textEnd = reader.readEnd(end)
      return { stringValue: readRedactedText(reader, reader.pos, textEnd) }
    }
    case BOOL:
      return { boolValue: readBool(reader) }
    case INT:
      return { intValue: readInt(reader) }
    case DOUBLE: {
      const value = reader.view.getFloat64(reader.pos, true)
      return { doubleValue: Number.isFinite(value) ? value : formatDouble(value) }
    }
    case BYTES:
      return { bytesValue: readBytes(reader, end) }
    case ARRAY: {
      const values = readRepeated(reader, end, (from, to) => readAnyValue(reader, from, to, depth + 1))
      return { arrayValue: { values } }
    }
    case KVLIST: {
      const values = readRepeated(reader, end, (from, to) => readKeyValue(reader, from, to, depth + 1))
      return { kvlistValue: { values } }
    }
    default:
      return {}
  }
}

function readRepeated<T>(reader: WireReader, outerEnd: number, read: (at: number, end: number) => T): T[] {
  const end = reader.readEnd(outerEnd)
  const values: T[] = []
  while (reader.pos < end) {
    const tag = reader.varint()
    if (tag !== 0x0a) {
      reader.skip(tag, end)
      continue
    }
    const itemEnd = reader.readEnd(end)
    if (++reader.nestedValues > MAX_NESTED_VALUES) {
      throw new OtlpError('over-limit', `more than ${MAX_NESTED_VALUES} values nested in attributes`)
    }
    values.push(read(reader.pos, itemEnd))
    reader.pos = itemEnd
  }
  reader.endMessage(end)
  return values
}

function readKeyValue(reader: WireReader, at: number, end: number, depth: number): KeyValue {
  let key = ''
  let value: AnyValue = {}
  reader.pos = at
  while (reader.pos < end) {
    const tag = reader.varint()
    if (tag !== 0x0a && tag !== 0x12) {
      reader.skip(tag, end)
      continue
    }
    const fieldEnd = reader.readEnd(end)
    if (tag === 0x0a) key = reader.bytes.toString('utf8', reader.pos, fieldEnd)
    else value = readAnyValue(reader, reader.pos, fieldEnd, depth)
    reader.pos = fieldEnd
  }
  reader.endMessage(end)
  return { key, value: reader.redactor?.hidesName(key) ? { stringValue: REDACTED } : value }
}

function readBytes(reader: WireReader, outerEnd: number): string {
  const end = reader.readEnd(outerEnd)
  return reader.bytes.toString('base64', reader.pos, end)
}

/** Returns whether any bit of the varint is set, including bits beyond the low 32. */
function readBool(reader: WireReader): boolean {
  while ((reader.bytes[reader.pos] as number) === 0x80) reader.pos++
  return reader.bytes[reader.pos] !== 0
}

/**
 * Returns an int64 as exact decimal text: a number up to 7 varint bytes (49 bits), BigInt beyond.
 */
function readInt(reader: WireReader): string {
  const bytes = reader.bytes
  let value = 0
  let scale = 1
  const start = reader.pos
  for (let i = 0; i < 7; i++) {
    const byte = bytes[reader.pos++] as number
    value += (byte & 0x7f) * scale
    if (byte < 0x80) return String(value)
    scale *= 128
  }
  reader.pos = start
  let wide = 0n
  for (let shift = 0n; ; shift += 7n) {
    const byte = bytes[reader.pos++] as number
    wide |= BigInt(byte & 0x7f) << shift
    if (byte < 0x80) return BigInt.asIntN(64, wide).toString()
  }
}

/** Returns the shortest text that parses to the same double. `String` would drop the sign of -0. */
function formatDouble(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value)
}
