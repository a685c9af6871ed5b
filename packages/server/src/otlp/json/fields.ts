import { toDataView } from '../../runtime/copy-bytes.ts'
import { OtlpError } from '../error.ts'
import type { RowWriter } from '../row-writer.ts'
import { type Message, createFieldError, writeFields, type WriteField } from './message.ts'
import { int64, parseDouble, readInteger, readNumber, toSigned } from './numbers.ts'
import { BYTE, type JsonReader } from './reader.ts'
import { HEX, writeLength } from './unescape.ts'

/**
 * Converts OTLP/JSON to protobuf, by the names and tags of the proto files. The mapping is proto3
 * JSON with OTLP's exceptions (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding):
 * ids are hex, and unknown members are skipped. Each function creates the writer of a field with
 * its tag.
 */

/**
 * Bytes reserved for the length of a message. One is enough for small messages, which the attribute
 * decoder reads fastest.
 */
export const SHORT = 1

/**
 * Longest length prefix. A message too long for two bytes is moved once, to make room for all five.
 */
export const LONG = 5

/**
 * Deeper messages reserve `LONG` and are not moved: each level would move all its content again.
 */
const MAX_MOVED_DEPTH = 8

export function one(tag: number, fields: Message): WriteField {
  return (json, out, name, depth) => {
    if (json.peek() !== BYTE.openObject) throw createFieldError(name, 'an object', json)
    writeMessage(json, out, tag, fields, depth)
  }
}

/** @param max maximum number of elements */
export function many(tag: number, fields: Message, max: number): WriteField {
  return each((json, out, _name, depth) => writeMessage(json, out, tag, fields, depth), max)
}

/** Writes a repeated field unpacked; for numbers too, since proto3 decoders accept both forms. */
export function each(write: WriteField, max: number): WriteField {
  return (json, out, name, depth) => {
    if (json.peek() !== BYTE.openArray) throw createFieldError(name, 'an array', json)
    let count = 0
    for (let more = json.openArray(); more; more = json.nextElement()) {
      if (++count > max) throw new OtlpError('over-limit', `more than ${max} ${name}`)
      write(json, out, name, depth)
    }
  }
}

export function writeMessage(json: JsonReader, out: RowWriter, tag: number, fields: Message, depth: number): void {
  out.varint(tag)
  const start = beginMessage(out, depth > MAX_MOVED_DEPTH ? LONG : SHORT)
  writeFields(json, out, fields, depth)
  endMessage(out, start, depth > MAX_MOVED_DEPTH ? LONG : SHORT)
}

/** Reserves bytes for a length. Returns the start of the message, for `endMessage`. */
export function beginMessage(out: RowWriter, lengthBytes: number): number {
  out.reserve(lengthBytes)
  out.pos += lengthBytes
  return out.pos
}

export function endMessage(out: RowWriter, start: number, lengthBytes: number): void {
  const length = out.pos - start
  let end = start
  if (length >= 0x80 && lengthBytes === SHORT) {
    const more = (length < 0x4000 ? 2 : LONG) - SHORT
    out.reserve(more)
    out.bytes.copyWithin(start + more, start, out.pos)
    out.pos += more
    end += more
  }
  const behind = out.pos
  out.pos = start - lengthBytes
  writeLength(out, length, end)
  out.pos = behind
}

export function string(tag: number): WriteField {
  return (json, out, name) => {
    if (json.peek() !== BYTE.quote) throw createFieldError(name, 'a string', json)
    json.string()
    out.varint(tag)
    json.writeString(out)
  }
}

/** An id. Its length is validated later, as for protobuf. */
export function hex(tag: number): WriteField {
  return (json, out, name) => {
    if (!writeHex(json, out, tag)) throw createFieldError(name, 'a string of hex digits, two a byte', json)
  }
}

/** An id that may be dropped: the item is stored without it. */
export function optionalHex(tag: number): WriteField {
  return (json, out, name) => {
    if (writeHex(json, out, tag)) return
    json.warning ||= `stored without ${name}: ${createFieldError('it', 'a string of hex digits, two a byte', json).message}`
    if (json.peek() !== BYTE.quote) throw createFieldError(name, 'a string of hex digits, two a byte', json)
    json.string()
  }
}

/**
 * Returns false if the value is no hex string; then nothing is written and the position is
 * restored.
 */
function writeHex(json: JsonReader, out: RowWriter, tag: number): boolean {
  const start = json.pos
  if (json.peek() !== BYTE.quote) return false
  json.string()
  const { bytes, stringAt, stringEnd } = json
  const length = (stringEnd - stringAt) / 2
  const row = out.pos
  out.varint(tag)
  out.varint(length)
  out.reserve(length)
  let bad = Number.isInteger(length) ? 0 : 0x80
  for (let at = stringAt; at < stringEnd; at += 2) {
    const high = HEX[bytes[at] as number] as number
    const low = HEX[bytes[at + 1] as number] as number
    bad |= high | low
    out.bytes[out.pos++] = (high << 4) | low
  }
  if (bad < 0x80) return true
  out.pos = row
  json.pos = start
  return false
}

export function base64(tag: number): WriteField {
  return (json, out, name) => {
    const start = json.pos
    if (json.peek() !== BYTE.quote) throw createFieldError(name, 'base64', json)
    json.string()
    const text = json.text()
    const bytes = Buffer.from(text, 'base64')
    // The decoder ignores invalid characters, so the result is then too short.
    if (bytes.length !== Math.floor((text.replace(/={1,2}$/, '').length * 3) / 4)) {
      json.pos = start
      throw createFieldError(name, 'base64', json)
    }
    out.varint(tag)
    out.string(toDataView(bytes), 0, bytes.length)
  }
}

export function bool(tag: number): WriteField {
  return (json, out, name) => {
    const isTrue = json.literal('true')
    if (!isTrue && !json.literal('false')) throw createFieldError(name, 'true or false', json)
    out.varint(tag)
    out.u8(isTrue ? 1 : 0)
  }
}

export function double(tag: number): WriteField {
  return (json, out, name) => {
    const byte = json.peek()
    let value: number | undefined
    if (byte === BYTE.quote) {
      const start = json.pos
      json.string()
      value = parseDouble(json.text())
      if (value === undefined) json.pos = start
    } else if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) value = readNumber(json)
    if (value === undefined) throw createFieldError(name, 'a number, "NaN", "Infinity" or "-Infinity"', json)
    out.varint(tag)
    out.reserve(8)
    out.view.setFloat64(out.pos, value, true)
    out.pos += 8
  }
}

type Range = { readonly isSigned: boolean; readonly bits: 32 | 64 }

/** Reads the value into `int64`. */
function readInt64(json: JsonReader, name: string, { isSigned, bits }: Range): void {
  const start = json.pos
  if (!readInteger(json)) {
    // Digits alone are an integer of more than 64 bits.
    json.pos = start
    const isNumber = /^"?-?\d+"?$/.test(json.describe())
    throw createFieldError(name, isNumber ? describeRange(isSigned, bits) : 'an integer, or one in a string', json)
  }
  const { isNegative } = int64
  const isZero = int64.low === 0 && int64.high === 0
  const fits = isSigned ? toSigned() : !isNegative || isZero
  const fitsWord = isSigned ? int64.high === (isNegative && !isZero ? 0xffffffff : 0) : int64.high === 0
  const signFits = !isSigned || int64.low >>> 31 === (isNegative && !isZero ? 1 : 0)
  if (fits && (bits === 64 || (fitsWord && signFits))) return
  json.pos = start
  throw createFieldError(name, describeRange(isSigned, bits), json)
}

function describeRange(isSigned: boolean, bits: number): string {
  const [low, high] = isSigned
    ? [-(2n ** BigInt(bits - 1)), 2n ** BigInt(bits - 1) - 1n]
    : [0n, 2n ** BigInt(bits) - 1n]
  return `between ${low} and ${high}`
}

/** Writes `int64` as a varint. */
function writeVarint64(out: RowWriter): void {
  let { low, high } = int64
  out.reserve(10)
  while (high > 0 || low >= 0x80) {
    out.bytes[out.pos++] = (low & 0x7f) | 0x80
    low = ((low >>> 7) | ((high & 0x7f) << 25)) >>> 0
    high >>>= 7
  }
  out.bytes[out.pos++] = low
}

export function varint(tag: number, isSigned: boolean): WriteField {
  const range: Range = { isSigned, bits: 64 }
  return (json, out, name) => {
    readInt64(json, name, range)
    out.varint(tag)
    writeVarint64(out)
  }
}

export function fixed64(tag: number, isSigned = false): WriteField {
  const range: Range = { isSigned, bits: 64 }
  return (json, out, name) => {
    readInt64(json, name, range)
    out.varint(tag)
    out.reserve(8)
    out.view.setUint32(out.pos, int64.low, true)
    out.view.setUint32(out.pos + 4, int64.high, true)
    out.pos += 8
  }
}

/** Zigzag: 0, -1, 1, -2 are 0, 1, 2, 3. */
export function sint32(tag: number): WriteField {
  return (json, out, name) => {
    readInt64(json, name, { isSigned: true, bits: 32 })
    const number = int64.low | 0
    out.varint(tag)
    out.varint(((number << 1) ^ (number >> 31)) >>> 0)
  }
}

const UINT32: Range = { isSigned: false, bits: 32 }

export function uint32(tag: number): WriteField {
  return (json, out, name) => {
    readInt64(json, name, UINT32)
    out.varint(tag)
    out.varint(int64.low)
  }
}

export function fixed32(tag: number): WriteField {
  return (json, out, name) => {
    readInt64(json, name, UINT32)
    out.varint(tag)
    out.u32(int64.low)
  }
}

/** An enum as a number or name. Unknown numbers are stored as 0. */
export function enumeration(tag: number, names: readonly string[]): WriteField {
  return (json, out, name) => {
    out.varint(tag)
    if (json.peek() === BYTE.quote) {
      const start = json.pos
      json.string()
      const number = names.indexOf(json.text())
      if (number >= 0) return out.varint(number)
      json.pos = start
    }
    readInt64(json, name, { isSigned: true, bits: 32 })
    out.varint(int64.high === 0 && int64.low < names.length ? int64.low : 0)
  }
}
