import { setImmediate as yieldToEventLoop } from 'node:timers/promises'
import type { UnstoredRows } from '../../store-error.ts'
import type { Table } from '../../tables.ts'
import { ByteList } from './byte-list.ts'
import { createSkippedBytes, type Column } from './column.ts'
import { createColumn, createSkippedField } from './column-type.ts'
import { FixedRun } from './fixed-run.ts'
import { RowCursor } from './row-cursor.ts'

/** A column of a table or a field of its rows; `type` as in `system.columns`. */
export type ColumnInfo = { readonly name: string; readonly type: string }

/** Observes rows during conversion and derives columns and rows of other tables from them. */
export type RowObserver = {
  /** Replacements by column name. @default `type` is the table's */
  readonly columns?: Readonly<Record<string, { readonly column: Column; readonly type?: string }>>
  /**
   * Fields of a row, in order; those that the table lacks are skipped. Columns that are no field
   * are filled from `columns`.
   *
   * @default the table's columns
   */
  readonly fields?: readonly ColumnInfo[]
  /** Called after all columns were cleared. */
  clear(): void
  /** Called when all columns have read the row that begins at `start`. */
  observe(cursor: RowCursor, start: number): void
  /** Rows for other tables, inserted after these; valid until the next conversion. @default none */
  deriveRows?(): Promise<readonly DerivedRows<UnstoredRows['table']>[]>
  /** Whether the table already has all of these rows. @default false */
  isStored?(): boolean
  /** Called after the insert. */
  markStored?(): void
}

/** RowBinary of a table that is filled from another's rows. */
export type DerivedRows<Of extends Table> = {
  readonly table: Of
  readonly rows: Uint8Array
  /** Call it after the insert. */
  readonly markStored?: () => void
}

/** Converting this much takes about 2 ms; then other events, such as acks, run. */
const YIELD_BYTES = 512 * 1024

/**
 * Converts RowBinary rows to one Native block, for one insert at a time. Per span, ClickHouse needs
 * 1.5 to 2.5 us less for columns than for rows; conversion takes 1.3 us, with all rollups.
 */
export class NativeBlock {
  readonly #columns: readonly NamedColumn[]
  readonly #readers: readonly Pick<Column, 'read'>[]
  readonly observer: RowObserver | undefined
  readonly #cursor = new RowCursor()

  private constructor(
    fields: readonly Field[],
    derivedColumns: readonly NamedColumn[],
    observer: RowObserver | undefined,
  ) {
    const { columns, readers } = groupFixedFields(fields)
    this.#columns = [...columns, ...derivedColumns]
    this.#readers = readers
    this.observer = observer
  }

  /** Undefined if a column type is unknown. */
  static create(tableColumns: readonly ColumnInfo[], observer?: RowObserver): NativeBlock | undefined {
    const { fields = tableColumns, columns: replacements = {} } = observer ?? {}
    const tableTypes = new Map(tableColumns.map(({ name, type }) => [name, type]))
    const known = fields.flatMap(({ name, type }): Field[] => {
      const tableType = tableTypes.get(name)
      const column =
        tableType === undefined
          ? createSkippedField(type)
          : (replacements[name]?.column ?? createColumn(type, tableType))
      return column === undefined ? [] : [{ name, column, type: tableType && (replacements[name]?.type ?? tableType) }]
    })
    if (known.length < fields.length) return undefined
    const fieldNames = new Set(fields.map(({ name }) => name))
    const derived = tableColumns.flatMap(({ name, type }) => {
      const replacement = fieldNames.has(name) ? undefined : replacements[name]
      return replacement === undefined ? [] : [{ name, type, ...replacement }]
    })
    return new NativeBlock(known, derived, observer)
  }

  /**
   * The block's bytes, valid until the next call.
   *
   * @param chunks each of whole rows
   * @throws RangeError when one ends within a row
   */
  async toColumns(chunks: readonly Uint8Array[]): Promise<Buffer[]> {
    for (const { column } of this.#columns) column.clear()
    this.observer?.clear()
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
   * Counts the rows of `chunk` that fit into `maxBytes`, at least one, and their bytes.
   *
   * @throws RangeError when `chunk` ends within a row
   */
  async measure(chunk: Uint8Array, maxBytes: number): Promise<{ readonly rows: number; readonly bytes: number }> {
    const cursor = this.#cursor
    cursor.reset(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length))
    let [rows, bytes, left] = [0, 0, 0]
    while (cursor.pos < chunk.length) {
      const start = cursor.pos
      if (left <= 0) {
        await yieldToEventLoop()
        // Only row ends are needed, not the columns.
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

  /** Not inlined into the async function: there, V8 allocates an iterator per column and row. */
  #addRow(cursor: RowCursor): void {
    const start = cursor.pos
    for (const reader of this.#readers) reader.read(cursor)
    cursor.checkBounds()
    this.observer?.observe(cursor, start)
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
      column.prefix?.(head)
      block.push(Buffer.from(head.bytes.subarray(from, head.length)), ...column.data())
      from = head.length
    }
    return block
  }
}

type NamedColumn = ColumnInfo & { readonly column: Column }

/** `type` is not set if the table has no such column. */
type Field = { readonly name: string; readonly type: string | undefined; readonly column: Column }

/** Groups adjacent fields of fixed width, to copy or to skip them at once. */
function groupFixedFields(fields: readonly Field[]): {
  readonly columns: readonly NamedColumn[]
  readonly readers: readonly Pick<Column, 'read'>[]
} {
  const columns: NamedColumn[] = []
  const readers: Pick<Column, 'read'>[] = []
  const addColumn = ({ name, type }: Field, column: Column): void => {
    if (type !== undefined) columns.push({ name, type, column })
  }
  for (let from = 0; from < fields.length;) {
    const first = fields[from] as Field
    const widths: number[] = []
    for (const { column, type } of fields.slice(from)) {
      if (column.width === undefined || (type === undefined) !== (first.type === undefined)) break
      widths.push(column.width)
    }
    const run = fields.slice(from, from + Math.max(widths.length, 1))
    if (widths.length === 0) {
      readers.push(first.column)
      addColumn(first, first.column)
    } else if (first.type === undefined) {
      readers.push(createSkippedBytes(widths.reduce((sum, width) => sum + width, 0)))
    } else {
      const fixedRun = new FixedRun(widths)
      readers.push(fixedRun)
      for (const [index, field] of run.entries()) addColumn(field, fixedRun.column(index))
    }
    from += run.length
  }
  return { columns, readers }
}
