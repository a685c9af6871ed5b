import { PayloadReader } from './payload-reader.ts'

/**
 * A column of a Native block (https://clickhouse.com/docs/interfaces/formats/Native), as positions
 * in its bytes. A `LowCardinality(String)` has the positions of its distinct values, and the number
 * of a value by row.
 */
export type NativeColumn =
  | { readonly type: 'fixed'; readonly at: number; readonly width: number }
  | { readonly type: 'strings'; readonly starts: Uint32Array; readonly ends: Uint32Array }
  | {
      readonly type: 'low-cardinality'
      readonly starts: Uint32Array
      readonly ends: Uint32Array
      readonly numbers: Uint8Array | Uint16Array | Uint32Array
    }

export type NativeBlock = { readonly rows: number; readonly columns: readonly NativeColumn[] }

/**
 * Reads blocks of the column types that Spanlink selects as bytes.
 *
 * @throws PayloadError when the bytes end early
 */
export function* readNative(bytes: Buffer): Generator<NativeBlock> {
  const reader = new PayloadReader(bytes)
  while (reader.pos < bytes.length) {
    const count = reader.varint()
    const rows = reader.varint()
    const columns: NativeColumn[] = []
    for (let index = 0; index < count; index++) {
      reader.skipText()
      columns.push(readColumn(reader, reader.text(), rows))
    }
    yield { rows, columns }
  }
}

const WIDTHS: Readonly<Record<string, number>> = { Enum8: 1, UInt8: 1, UInt64: 8, Int64: 8 }

function readColumn(reader: PayloadReader, type: string, rows: number): NativeColumn {
  if (type === 'String') return { type: 'strings', ...readStrings(reader, rows) }
  if (type === 'LowCardinality(String)') return readLowCardinality(reader, rows)
  const [, name = '', length] = /^(\w+)(?:\((\d+)\))?/.exec(type) ?? []
  const width = name === 'FixedString' ? Number(length) : WIDTHS[name]
  if (width === undefined) throw new TypeError(`unexpected column type ${type}`)
  return { type: 'fixed', at: reader.skip(rows * width), width }
}

function readStrings(reader: PayloadReader, count: number): { starts: Uint32Array; ends: Uint32Array } {
  const starts = new Uint32Array(count)
  const ends = new Uint32Array(count)
  for (let index = 0; index < count; index++) {
    const length = reader.varint()
    starts[index] = reader.skip(length)
    ends[index] = reader.pos
  }
  return { starts, ends }
}

/** See createLowCardinalityColumn for the layout. */
function readLowCardinality(reader: PayloadReader, rows: number): NativeColumn {
  if (rows === 0) return { type: 'low-cardinality', ...readStrings(reader, 0), numbers: new Uint8Array(0) }
  reader.skip(8)
  const width = reader.u8()
  reader.skip(7)
  const strings = readStrings(reader, Number(reader.u64()))
  reader.skip(8)
  const bytes = 1 << width
  const at = reader.skip(rows * bytes)
  // A copy, because elements must be aligned.
  const numbers = Uint8Array.from(reader.bytes.subarray(at, at + rows * bytes)).buffer
  const Numbers = width === 0 ? Uint8Array : width === 1 ? Uint16Array : Uint32Array
  return { type: 'low-cardinality', ...strings, numbers: new Numbers(numbers) }
}
