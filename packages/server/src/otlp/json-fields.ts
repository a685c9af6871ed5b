import { viewOf } from '../bytes/copy-bytes.ts'
import { MAX_DEPTH, OtlpError } from './error.ts'
import { RowWriter } from './row-writer.ts'

/**
 * OTLP/JSON to protobuf, by the names and tags of the proto files. The mapping is proto3 JSON with OTLP's exceptions
 * (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding): ids are hex, enums are integers, only
 * lowerCamelCase names count; unknown names are ignored and null is absent.
 */
export type MessageShape = (writer: RowWriter, value: unknown, depth: number) => void

export type Field = (writer: RowWriter, value: unknown, name: string, depth: number) => void

/** An AnyValue is up to four JSON levels: value, kvlistValue, values, KeyValue. */
const MAX_JSON_DEPTH = 4 * MAX_DEPTH + 16

/** Fields by name; made at first use, since shapes name each other in circles. */
export function message(define: () => Readonly<Record<string, Field>>): MessageShape {
  let fields: ReadonlyMap<string, Field> | undefined
  return (writer, value, depth) => {
    fields ??= new Map(Object.entries(define()))
    if (depth > MAX_JSON_DEPTH) throw new OtlpError('too-deep', `attribute value nests deeper than ${MAX_DEPTH}`)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong('message', 'an object', value)
    for (const name in value) {
      const member: unknown = (value as Record<string, unknown>)[name]
      if (member === null) continue
      fields.get(name)?.(writer, member, name, depth + 1)
    }
  }
}

export function one(tag: number, shape: MessageShape): Field {
  return (writer, value, name, depth) => {
    if (typeof value !== 'object' || Array.isArray(value)) throw wrong(name, 'an object', value)
    nested(writer, tag, shape, value, depth)
  }
}

export function many(tag: number, shape: MessageShape): Field {
  return (writer, value, name, depth) => {
    if (!Array.isArray(value)) throw wrong(name, 'an array', value)
    for (const item of value) nested(writer, tag, shape, item, depth)
  }
}

/** The length is written into five bytes kept free for it: a varint may be longer than it needs to be. */
function nested(writer: RowWriter, tag: number, shape: MessageShape, value: unknown, depth: number): void {
  writer.varint(tag)
  writer.zeros(5)
  const start = writer.pos
  shape(writer, value, depth)
  let length = writer.pos - start
  for (let i = start - 5; i < start - 1; i++) {
    writer.bytes[i] = (length & 0x7f) | 0x80
    length >>>= 7
  }
  writer.bytes[start - 1] = length
}

export function string(tag: number): Field {
  return (writer, value, name) => {
    if (typeof value !== 'string') throw wrong(name, 'a string', value)
    writer.varint(tag)
    writer.text(value)
  }
}

/** A repeated field, one by one; of numbers too, which every reader takes beside packed ones. */
export function each(item: Field): Field {
  return (writer, value, name, depth) => {
    if (!Array.isArray(value)) throw wrong(name, 'an array', value)
    for (const element of value) item(writer, element, name, depth)
  }
}

/** Hex in any case. Text that isn't hex becomes an empty id, which rejects that span and not its neighbours. */
export function hex(tag: number): Field {
  return (writer, value, name) => {
    if (typeof value !== 'string') throw wrong(name, 'a string of hex digits', value)
    let bytes = Buffer.from(value, 'hex')
    if (bytes.length * 2 !== value.length) bytes = Buffer.alloc(0)
    writer.varint(tag)
    writer.string(viewOf(bytes), 0, bytes.length)
  }
}

export function base64(tag: number): Field {
  return (writer, value, name) => {
    if (typeof value !== 'string') throw wrong(name, 'base64', value)
    const bytes = Buffer.from(value, 'base64')
    // The decoder passes over what isn't base64, which then is missing.
    if (bytes.length !== Math.floor((value.replace(/={1,2}$/, '').length * 3) / 4)) throw wrong(name, 'base64', value)
    writer.varint(tag)
    writer.string(viewOf(bytes), 0, bytes.length)
  }
}

export function bool(tag: number): Field {
  return (writer, value, name) => {
    if (typeof value !== 'boolean') throw wrong(name, 'true or false', value)
    writer.varint(tag)
    writer.u8(value ? 1 : 0)
  }
}

export function double(tag: number): Field {
  return (writer, value, name) => {
    const number = typeof value === 'string' && DOUBLE_TEXT.test(value) ? Number(value) : value
    if (typeof number !== 'number') throw wrong(name, 'a number, "NaN", "Infinity" or "-Infinity"', value)
    writer.varint(tag)
    writer.reserve(8)
    writer.view.setFloat64(writer.pos, number, true)
    writer.pos += 8
  }
}

const DOUBLE_TEXT = /^(?:NaN|-?Infinity|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)$/

export function int64(tag: number): Field {
  return (writer, value, name) => {
    let rest = BigInt.asUintN(64, integer(value, name, -(2n ** 63n), 2n ** 63n - 1n))
    writer.varint(tag)
    for (; rest >= 0x80n; rest >>= 7n) writer.u8(Number(rest & 0x7fn) | 0x80)
    writer.u8(Number(rest))
  }
}

export function uint64(tag: number): Field {
  return (writer, value, name) => {
    let rest = integer(value, name, 0n, 2n ** 64n - 1n)
    writer.varint(tag)
    for (; rest >= 0x80n; rest >>= 7n) writer.u8(Number(rest & 0x7fn) | 0x80)
    writer.u8(Number(rest))
  }
}

/** Zigzag: 0, -1, 1, -2 are 0, 1, 2, 3. */
export function sint32(tag: number): Field {
  return (writer, value, name) => {
    const number = Number(integer(value, name, -(2n ** 31n), 2n ** 31n - 1n))
    writer.varint(tag)
    writer.varint(((number << 1) ^ (number >> 31)) >>> 0)
  }
}

export function sfixed64(tag: number): Field {
  return (writer, value, name) => {
    const number = integer(value, name, -(2n ** 63n), 2n ** 63n - 1n)
    writer.varint(tag)
    writer.reserve(8)
    writer.view.setBigInt64(writer.pos, number, true)
    writer.pos += 8
  }
}

export function fixed64(tag: number): Field {
  return (writer, value, name) => {
    const nanos = integer(value, name, 0n, 2n ** 64n - 1n)
    writer.varint(tag)
    writer.reserve(8)
    writer.view.setBigUint64(writer.pos, nanos, true)
    writer.pos += 8
  }
}

export function uint32(tag: number): Field {
  return (writer, value, name) => {
    const count = Number(integer(value, name, 0n, 2n ** 32n - 1n))
    writer.varint(tag)
    writer.varint(count)
  }
}

export function fixed32(tag: number): Field {
  return (writer, value, name) => {
    const flags = Number(integer(value, name, 0n, 2n ** 32n - 1n))
    writer.varint(tag)
    writer.u32(flags)
  }
}

/** Integers by the specification; names are read too, as the Collector does. A number we don't know is stored as 0. */
export function enumeration(tag: number, names: readonly string[]): Field {
  return (writer, value, name) => {
    const named = typeof value === 'string' ? names.indexOf(value) : -1
    const number = named >= 0 ? named : Number(integer(value, name, -(2n ** 31n), 2n ** 31n - 1n))
    writer.varint(tag)
    writer.varint(number >= 0 && number < names.length ? number : 0)
  }
}

function integer(value: unknown, name: string, low: bigint, high: bigint): bigint {
  const isInteger = typeof value === 'string' ? /^-?\d{1,40}$/.test(value) : Number.isSafeInteger(value)
  if (!isInteger) throw wrong(name, 'an integer, or one in a string', value)
  const result = BigInt(value as string | number)
  if (result < low || result > high) throw wrong(name, `between ${low} and ${high}`, value)
  return result
}

function wrong(name: string, wanted: string, value: unknown): OtlpError {
  const got = typeof value === 'object' ? (Array.isArray(value) ? 'an array' : 'an object') : JSON.stringify(value)
  return new OtlpError('bad-field', `${name} must be ${wanted}, got ${value === null ? 'null' : got.slice(0, 60)}`)
}
