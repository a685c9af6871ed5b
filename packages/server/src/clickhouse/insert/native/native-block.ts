import { setImmediate as yieldToEventLoop } from 'node:timers/promises'
import { ByteList } from './byte-list.ts'
import type { Column } from './column.ts'
import { createColumn } from './column-type.ts'
import { FixedRun } from './fixed-run.ts'
import { RowCursor } from './row-cursor.ts'

/** Of a table, in the order of its rows; `type` as in `system.columns`. */
export type ColumnInfo = { readonly name: string; readonly type: string }

/** What passes along as rows are turned, and what is worked out from it. */
export type RowObserver = {
  /**
   * By name, in place of what would be made for the table's type; of that type unless another is
   * told.
   */
  readonly columns: Readonly<Record<string, { readonly column: Column; readonly type?: string }>>
  /** Those of `columns` that rows don't have. */
  readonly derived: ReadonlySet<string>
  /** Called when all columns were. */
  clear(): void
  /** Called when all columns have read the row that begins at `start`. */
  observe(cursor: RowCursor, start: number): void
  /** What other tables keep of the rows that were turned; valid until the next are. */
  deriveRows(): Promise<readonly DerivedRows[]>
  /** The table has all of these rows already. @default it hasn't */
  isStored?(): boolean
  /** To be called when it has. */
  markStored?(): void
}

/** RowBinary of a table that is filled from another's rows. */
export type DerivedRows = {
  readonly rows: Uint8Array
  /** To be called when they are. */
  readonly markStored?: () => void
} & (
  | {
      readonly table: 'traces'
      /** Inserted before the rows it is of, which are found by it. */
      readonly isInsertedFirst: true
    }
  | { readonly table: 'traffic_minutes' | 'operations'; readonly isInsertedFirst?: false }
)

/** Rows turned at a time: some 2 ms, after which acks may be given. */
const YIELD_BYTES = 512 * 1024

/**
 * Turns RowBinary rows into one Native block. The engine needs 1.5 to 2.5 us less of its time for a
 * span in columns with their dictionaries made than in rows; turning it takes 1.3 us of ours, with
 * all that is summed up on the way. One instance for one insert at a time.
 */
export class NativeBlock {
  readonly #columns: readonly (ColumnInfo & { readonly column: Column })[]
  /** What reads a row, one after the other. */
  readonly #readers: readonly Pick<Column, 'read'>[]
  readonly #observer: RowObserver | undefined
  readonly #cursor = new RowCursor()

  private constructor(
    columns: readonly (ColumnInfo & { readonly column: Column })[],
    observer: RowObserver | undefined,
  ) {
    const runs = groupFixedColumns(columns, (name) => !observer?.derived.has(name))
    this.#columns = runs.columns
    this.#readers = runs.readers
    this.#observer = observer
  }

  /** Undefined when a column has a type that isn't known here: such a table takes rows. */
  static create(columns: readonly ColumnInfo[], observer?: RowObserver): NativeBlock | undefined {
    const known = columns.flatMap((info) => {
      const { column, type } = observer?.columns[info.name] ?? { column: createColumn(info.type) }
      return column === undefined ? [] : [{ name: info.name, type: type ?? info.type, column }]
    })
    return known.length === columns.length ? new NativeBlock(known, observer) : undefined
  }

  /**
   * The block's bytes, valid until the next call.
   *
   * @param chunks each of whole rows, so that none has to be copied to lie beside another
   * @throws RangeError when one ends in the middle of a row
   */
  async toColumns(chunks: readonly Uint8Array[]): Promise<Buffer[]> {
    for (const { column } of this.#columns) column.clear()
    this.#observer?.clear()
    const cursor = this.#cursor
    let rows = 0
    let left = YIELD_BYTES
    for (const chunk of chunks) {
      cursor.reset(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length))
      while (cursor.pos < chunk.length) {
        if (left < 0) {
          await yieldToEventLoop()
          left = YIELD_BYTES
        }
        const start = cursor.pos
        this.#addRow(cursor)
        rows++
        left -= cursor.pos - start
      }
    }
    return this.#block(rows)
  }

  /**
   * How many rows of `chunk`, and how many bytes they have, fit into `maxBytes`: one at least.
   *
   * @throws RangeError when it ends in the middle of a row
   */
  async measure(chunk: Uint8Array, maxBytes: number): Promise<{ readonly rows: number; readonly bytes: number }> {
    const cursor = this.#cursor
    cursor.reset(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length))
    let [rows, bytes, left] = [0, 0, 0]
    while (cursor.pos < chunk.length) {
      const start = cursor.pos
      if (left <= 0) {
        await yieldToEventLoop()
        // Its columns aren't needed, only where rows end.
        for (const { column } of this.#columns) column.clear()
        left = YIELD_BYTES
      }
      for (const reader of this.#readers) reader.read(cursor)
      cursor.checkBounds()
      if (rows > 0 && cursor.pos > maxBytes) break
      rows++
      bytes = cursor.pos
      left -= cursor.pos - start
    }
    return { rows, bytes }
  }

  /**
   * Not in the asynchronous function, where an iterator is an object for each column of each row.
   */
  #addRow(cursor: RowCursor): void {
    const start = cursor.pos
    for (const reader of this.#readers) reader.read(cursor)
    cursor.checkBounds()
    this.#observer?.observe(cursor, start)
  }

  /** Of the rows turned last, until the next are. */
  async deriveRows(): Promise<readonly DerivedRows[]> {
    return (await this.#observer?.deriveRows()) ?? []
  }

  /** Nothing of the rows turned last is new to the table. */
  isStored(): boolean {
    return this.#observer?.isStored?.() ?? false
  }

  /** To be called when the rows turned last are in the table. */
  markStored(): void {
    this.#observer?.markStored?.()
  }

  #block(rows: number): Buffer[] {
    const head = new ByteList()
    head.varint(this.#columns.length)
    head.varint(rows)
    const block: Buffer[] = []
    let from = 0
    for (const { name, type, column } of this.#columns) {
      head.text(name)
      head.text(type)
      column.prefix(head)
      block.push(Buffer.from(head.bytes.subarray(from, head.length)), ...column.data())
      from = head.length
    }
    return block
  }
}

type NamedColumn = ColumnInfo & { readonly column: Column }

/** Puts columns of fixed width that follow each other in a row together. */
function groupFixedColumns(
  columns: readonly NamedColumn[],
  isInRow: (name: string) => boolean,
): { readonly columns: readonly NamedColumn[]; readonly readers: readonly Pick<Column, 'read'>[] } {
  const grouped: NamedColumn[] = []
  const readers: Pick<Column, 'read'>[] = []
  for (let from = 0; from < columns.length;) {
    const widths: number[] = []
    for (let next = columns[from]; next !== undefined && isInRow(next.name); next = columns[from + widths.length]) {
      if (next.column.width === undefined) break
      widths.push(next.column.width)
    }
    const run = new FixedRun(widths)
    const infos = columns.slice(from, from + Math.max(widths.length, 1))
    if (widths.length > 0) {
      readers.push(run)
      grouped.push(...infos.map((info, place) => ({ ...info, column: run.column(place) })))
    } else {
      grouped.push(...infos)
      readers.push(...infos.filter((info) => isInRow(info.name)).map((info) => info.column))
    }
    from += infos.length
  }
  return { columns: grouped, readers }
}
