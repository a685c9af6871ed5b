import { ByteList } from './byte-list.ts'
import { Dictionary } from './dictionary.ts'
import { growList } from './grow-list.ts'
import type { RowCursor } from './row-cursor.ts'

/**
 * A column, converted from RowBinary to Native
 * (https://clickhouse.com/docs/interfaces/formats/Native):
 *
 * | type                   | before all data            | data                                                       |
 * |------------------------|----------------------------|------------------------------------------------------------|
 * | fixed width            |                            | the values                                                 |
 * | String                 |                            | varint length and bytes, each                              |
 * | LowCardinality(String) | UInt64 1: own keys         | UInt64 index width and 0x600 (keys are here), UInt64       |
 * |                        |                            | number of keys, keys, UInt64 number of values, indexes     |
 * | Tuple                  | that of each element       | that of each element                                       |
 * | Array                  | that of the element        | UInt64 ends, cumulative, then all elements                 |
 * | Map                    | as Array of Tuple          | as Array of Tuple                                          |
 *
 * A LowCardinality of no values has no data.
 */
export type Column = {
  /** Reads the value at the cursor. */
  read(cursor: RowCursor): void
  prefix?(out: ByteList): void
  data(): Buffer[]
  clear(): void
  /** Size of a value, for columns of fixed width. */
  readonly width?: number
}

/** @param read not set for values that are not in the rows, or read by a `FixedRun` */
export function createValuesColumn(values: ByteList, read: Column['read'] = () => {}): Column {
  return { read, data: () => [values.contents()], clear: () => values.clear() }
}

export function createFixedColumn(width: number): Column {
  const values = new ByteList()
  const read = (cursor: RowCursor): void => {
    values.append(cursor.view, cursor.pos, width)
    cursor.pos += width
  }
  return { ...createValuesColumn(values, read), width }
}

/** Skips a value of fixed width that is in the row, but not in the table. */
export function createSkippedBytes(width: number): Column {
  const read = (cursor: RowCursor): void => {
    cursor.pos += width
  }
  return { read, data: () => [], clear: () => {}, width }
}

/** The same of a string. */
export function createSkippedString(): Column {
  const read = (cursor: RowCursor): void => {
    const length = cursor.varint()
    cursor.pos += length
    cursor.checkBounds()
  }
  return { read, data: () => [], clear: () => {} }
}

export function createStringColumn(): Column {
  const values = new ByteList()
  return createValuesColumn(values, (cursor) => {
    const start = cursor.pos
    const length = cursor.varint()
    cursor.pos += length
    cursor.checkBounds()
    values.append(cursor.view, start, cursor.pos - start)
  })
}

const OWN_KEYS = 1
const KEYS_ARE_HERE = 0x600

export type LowCardinalityColumn = Omit<Column, 'read'> & {
  /** @returns the value's number in the dictionary */
  read(cursor: RowCursor): number
  /** Adds the value of these bytes. */
  add(view: DataView, at: number, length: number): void
  /** Adds a value that was read before. */
  repeat(number: number): void
  /** Number of the last value. */
  lastNumber(): number
  readonly dictionary: Dictionary
}

export function createLowCardinalityColumn(): LowCardinalityColumn {
  const dictionary = new Dictionary()
  const head = new ByteList()
  const rows = new ByteList()
  let indexes = new Uint32Array(1024)
  let count = 0
  const repeat = (number: number): void => {
    if (count === indexes.length) indexes = growList(indexes, count + 1)
    indexes[count++] = number
  }
  return {
    read: (cursor) => {
      const number = dictionary.intern(cursor)
      repeat(number)
      return number
    },
    add: (view, at, length) => repeat(dictionary.internBytes(view, at, length)),
    repeat,
    lastNumber: () => indexes[count - 1] as number,
    dictionary,
    prefix: (out) => out.u64(OWN_KEYS),
    data: () => {
      if (count === 0) return []
      const used = indexes.subarray(0, count)
      const [width, narrow] =
        dictionary.count <= 2 ** 8
          ? [0, new Uint8Array(used)]
          : dictionary.count <= 2 ** 16
            ? [1, new Uint16Array(used)]
            : [2, used]
      head.clear()
      head.u64(KEYS_ARE_HERE + width)
      head.u64(dictionary.count)
      rows.clear()
      rows.u64(count)
      const indexBytes = Buffer.from(narrow.buffer, narrow.byteOffset, narrow.byteLength)
      return [head.contents(), dictionary.strings.contents(), rows.contents(), indexBytes]
    },
    clear: () => {
      dictionary.clear()
      count = 0
    },
  }
}

export function createTupleColumn(elements: readonly Column[]): Column {
  return {
    read: (cursor) => {
      for (const element of elements) element.read(cursor)
    },
    prefix: (out) => {
      for (const element of elements) element.prefix?.(out)
    },
    data: () => elements.flatMap((element) => element.data()),
    clear: () => {
      for (const element of elements) element.clear()
    },
  }
}

export function createArrayColumn(element: Column): Column {
  const ends = new ByteList()
  let end = 0
  return {
    read: (cursor) => {
      const length = cursor.varint()
      for (let i = 0; i < length; i++) {
        element.read(cursor)
        cursor.checkBounds()
      }
      end += length
      ends.u64(end)
    },
    prefix: (out) => element.prefix?.(out),
    data: () => [ends.contents(), ...element.data()],
    clear: () => {
      ends.clear()
      end = 0
      element.clear()
    },
  }
}
