import { OtlpError } from '../error.ts'
import { beginMessage, endMessage, SHORT } from '../json/fields.ts'
import { skipUnknown } from '../json/message.ts'
import { readNumber } from '../json/numbers.ts'
import { BYTE, type JsonReader } from '../json/reader.ts'
import type { RowWriter } from '../row-writer.ts'

/** Values of Zipkin's JSON, and the fields of OTLP that they become. */

/** @param read reads the member whose name is at the position */
export function readObject(json: JsonReader, read: (json: JsonReader) => void): void {
  for (let more = json.openObject(); more; more = json.nextMember()) read(json)
}

/** Reads a string. Numbers and booleans are returned as text; other values are empty. */
export function readText(json: JsonReader): string {
  const byte = json.peek()
  if (byte === BYTE.quote) {
    json.string()
    return json.text()
  }
  const { pos } = json
  skipUnknown(json)
  return byte === BYTE.openObject || byte === BYTE.openArray || byte === BYTE.n ? '' : json.slice(pos, json.pos)
}

export function writeText(json: JsonReader, out: RowWriter): void {
  if (json.peek() !== BYTE.quote) return out.text(readText(json))
  json.string()
  json.writeString(out)
}

/** Maximum microseconds whose nanoseconds fit in a fixed64, rounded down to an exact double. */
const MAX_MICROS = 18_446_744_073_709_548

export function readMicros(json: JsonReader, name: string): number {
  const byte = json.peek()
  const micros = byte === 0x2d || (byte >= 0x30 && byte <= 0x39) ? readNumber(json) : -1
  if (!(micros >= 0)) throw new OtlpError('bad-field', `${name} must be a number of microseconds`)
  if (micros > MAX_MICROS) throw new OtlpError('bad-field', `${name} is out of range`)
  return Math.trunc(micros)
}

/** @param digits length of a full id; shorter ids are padded with zeros, as Zipkin does */
export function writeId(out: RowWriter, tag: number, id: string, digits: 16 | 32, name: string): void {
  if (!/^[\da-f]+$/i.test(id) || id.length > digits) {
    throw new OtlpError('bad-field', `${name} must be 1 to ${digits} hex digits`)
  }
  out.varint(tag)
  out.varint(digits / 2)
  out.reserve(digits / 2)
  out.pos += out.bytes.write(id.padStart(digits, '0'), out.pos, 'hex')
}

export function writeFixed64(out: RowWriter, tag: number, value: bigint): void {
  out.varint(tag)
  out.reserve(8)
  out.view.setBigUint64(out.pos, value, true)
  out.pos += 8
}

export function writeAttribute(out: RowWriter, tag: number, key: string, value: string | number): void {
  out.varint(tag)
  const attribute = beginMessage(out, SHORT)
  out.varint(0x0a)
  out.text(key)
  out.varint(0x12)
  const anyValue = beginMessage(out, SHORT)
  if (typeof value === 'string') {
    out.varint(0x0a)
    out.text(value)
  } else {
    out.varint(0x18)
    out.varint(value)
  }
  endMessage(out, anyValue, SHORT)
  endMessage(out, attribute, SHORT)
}
