import type { PayloadReader } from '../../clickhouse/read/payload-reader.ts'
import type { NativeBlock, NativeColumn } from '../../clickhouse/read/read-native.ts'
import { StoreError } from '../../clickhouse/store-error.ts'

export type Column = NativeBlock['columns'][number] | undefined

/** Moves the reader to a string of the column. */
export function seekString(payload: PayloadReader, column: Column, row: number): PayloadReader {
  const { starts, ends } = expectType(column, 'strings')
  return seek(payload, starts[row] as number, ends[row] as number)
}

export function seek(payload: PayloadReader, start: number, end: number): PayloadReader {
  payload.pos = start
  payload.end = end
  return payload
}

export function readHex(payload: PayloadReader, column: Column, row: number): string {
  const { at, width } = expectType(column, 'fixed')
  return payload.hexAt(at + row * width, width)
}

export function readByte(bytes: Buffer, column: Column, row: number): number {
  return bytes[expectType(column, 'fixed').at + row] as number
}

export function readUInt64(bytes: Buffer, column: Column, row: number): bigint {
  return bytes.readBigUInt64LE(expectType(column, 'fixed').at + row * 8)
}

export function readInt64(bytes: Buffer, column: Column, row: number): bigint {
  return bytes.readBigInt64LE(expectType(column, 'fixed').at + row * 8)
}

/** Returns the text of a row; each distinct text is decoded once. */
export function cacheTexts(bytes: Buffer, column: Column): (row: number) => string {
  const known: (string | undefined)[] = []
  const { numbers, starts, ends } = expectType(column, 'low-cardinality')
  return (row) => {
    const number = numbers[row] as number
    return (known[number] ??= bytes.toString('utf8', starts[number], ends[number]))
  }
}

export function expectType<Type extends NativeColumn['type']>(
  column: Column,
  type: Type,
): NativeColumn & { type: Type } {
  if (column?.type !== type) throw new StoreError('refused', `ClickHouse sent a column of type ${column?.type}.`)
  return column as NativeColumn & { type: Type }
}
