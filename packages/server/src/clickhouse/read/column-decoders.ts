import { PayloadReader } from './payload-reader.ts'
import type { NativeColumn } from './read-native.ts'
import { StoreError } from '../store-error.ts'

/** Decodes a column of a Native block; returns the value of a row. */
export type ColumnDecoder<Value> = (bytes: Buffer, column: NativeColumn | undefined) => (row: number) => Value

/** Bytes as hexadecimal digits in lower case. */
export const decodeHex: ColumnDecoder<string> = (bytes, column) => {
  const { at, width } = expectType(column, 'fixed')
  return (row) => bytes.toString('hex', at + row * width, at + (row + 1) * width)
}

/** The same of ids that payloads contain, too: each text is created once. */
export function decodeIds(payload: PayloadReader): ColumnDecoder<string> {
  return (_, column) => {
    const { at, width } = expectType(column, 'fixed')
    return (row) => payload.hexAt(at + row * width, width)
  }
}

/** The same where many rows in a row have the same value. */
export const decodeRepeatedHex: ColumnDecoder<string> = (bytes, column) => {
  const { at, width } = expectType(column, 'fixed')
  let text = ''
  let known = -1
  return (row) => {
    const start = at + row * width
    if (known < 0 || !areEqual(bytes, known, start, width)) text = bytes.toString('hex', start, start + width)
    known = start
    return text
  }
}

function areEqual(bytes: Buffer, a: number, b: number, length: number): boolean {
  for (let offset = length - 1; offset >= 0; offset--) if (bytes[a + offset] !== bytes[b + offset]) return false
  return true
}

export const decodeUInt64: ColumnDecoder<bigint> = (bytes, column) => {
  const { at } = expectType(column, 'fixed')
  return (row) => bytes.readBigUInt64LE(at + row * 8)
}

export const decodeInt64: ColumnDecoder<bigint> = (bytes, column) => {
  const { at } = expectType(column, 'fixed')
  return (row) => bytes.readBigInt64LE(at + row * 8)
}

/** The same as a number, rounded above 2^53. */
export const decodeCount: ColumnDecoder<number> = (bytes, column) => {
  const { at } = expectType(column, 'fixed')
  return (row) => bytes.readUInt32LE(at + row * 8) + bytes.readUInt32LE(at + row * 8 + 4) * 2 ** 32
}

export const decodeByte: ColumnDecoder<number> = (bytes, column) => {
  const { at } = expectType(column, 'fixed')
  return (row) => bytes[at + row] as number
}

/** An enum whose numbers are the indexes of `names`. */
export function decodeEnum<Name>(names: readonly Name[]): ColumnDecoder<Name> {
  return (bytes, column) => {
    const numberAt = decodeByte(bytes, column)
    return (row) => names[numberAt(row)] as Name
  }
}

/** A `String`: one reader of its bytes, valid until that of another row is read. */
export const decodePayload: ColumnDecoder<PayloadReader> = (bytes, column) =>
  decodePayloadWith(new PayloadReader(bytes))(bytes, column)

/** The same with a reader of the same bytes. */
export function decodePayloadWith(reader: PayloadReader): ColumnDecoder<PayloadReader> {
  return (_, column) => {
    const { starts, ends } = expectType(column, 'strings')
    return (row) => {
      reader.pos = starts[row] as number
      reader.end = ends[row] as number
      return reader
    }
  }
}

/** A `LowCardinality(String)`: each distinct value is decoded once. */
export function decodeDistinct<Value>(decode: (value: Buffer) => Value): ColumnDecoder<Value> {
  return (bytes, column) => {
    const { numbers, starts, ends } = expectType(column, 'low-cardinality')
    const known = new Map<number, Value>()
    return (row) => {
      const number = numbers[row] as number
      const value = known.get(number) ?? decode(bytes.subarray(starts[number], ends[number]))
      known.set(number, value)
      return value
    }
  }
}

const decodeDistinctTexts = decodeDistinct(String)

export const decodeText: ColumnDecoder<string> = (bytes, column) => {
  if (column?.type !== 'strings') return decodeDistinctTexts(bytes, column)
  const { starts, ends } = column
  return (row) => (starts[row] === ends[row] ? '' : bytes.toString('utf8', starts[row], ends[row]))
}

/** @throws StoreError if the column has another type */
function expectType<Type extends NativeColumn['type']>(
  column: NativeColumn | undefined,
  type: Type,
): NativeColumn & { type: Type } {
  if (column?.type !== type) throw new StoreError('refused', `ClickHouse sent a column of type ${column?.type}.`)
  return column as NativeColumn & { type: Type }
}
