import { ByteList } from './byte-list.ts'
import { type Column, createValuesColumn } from './column.ts'
import type { RowCursor } from './row-cursor.ts'

/** Few enough that the rows are still in the CPU cache when the last column is copied. */
const ROWS_PER_BATCH = 256

/**
 * Adjacent columns of fixed width. A row only records where its values begin; every 256 rows each
 * column copies its values in one loop, which is faster than copying value by value.
 */
export class FixedRun {
  readonly #width: number
  readonly #gatherers: readonly Gatherer[]
  readonly #at = new Uint32Array(ROWS_PER_BATCH)
  #rows = 0
  #view: DataView | undefined

  /** @param widths bytes of a value of each column */
  constructor(widths: readonly number[]) {
    this.#width = widths.reduce((sum, width) => sum + width, 0)
    this.#gatherers = widths.map((width, index) => {
      const offset = widths.slice(0, index).reduce((sum, before) => sum + before, 0)
      return {
        width,
        offset,
        values: new ByteList(),
        gather: width % 8 === 0 ? gatherEights : width % 4 === 0 ? gatherFours : gatherBytes,
      }
    })
  }

  /** Reads the values at the cursor. */
  read(cursor: RowCursor): void {
    if (this.#rows === ROWS_PER_BATCH || this.#view !== cursor.view) this.#gather()
    this.#view = cursor.view
    this.#at[this.#rows++] = cursor.pos
    cursor.pos += this.#width
  }

  /** The column at this index of the run. */
  column(index: number): Column {
    const { values } = this.#gatherers[index] as Gatherer
    return {
      ...createValuesColumn(values),
      data: () => {
        this.#gather()
        return [values.contents()]
      },
      clear: () => {
        this.#rows = 0
        values.clear()
      },
    }
  }

  #gather(): void {
    const view = this.#view
    if (this.#rows === 0 || view === undefined) return
    const at = this.#at.subarray(0, this.#rows)
    for (const { width, offset, values, gather } of this.#gatherers) {
      values.reserve(at.length * width)
      gather(view, at, offset, width, values)
    }
    this.#rows = 0
  }
}

type Gather = (source: DataView, at: Uint32Array, offset: number, width: number, values: ByteList) => void

type Gatherer = { readonly width: number; readonly offset: number; readonly values: ByteList; readonly gather: Gather }

const gatherEights: Gather = (source, at, offset, width, values) => {
  const target = values.view
  let next = values.length
  for (let row = 0; row < at.length; row++) {
    const pos = (at[row] as number) + offset
    for (let byte = 0; byte < width; byte += 8, next += 8)
      target.setBigUint64(next, source.getBigUint64(pos + byte, true), true)
  }
  values.length = next
}

const gatherFours: Gather = (source, at, offset, width, values) => {
  const target = values.view
  let next = values.length
  for (let row = 0; row < at.length; row++) {
    const pos = (at[row] as number) + offset
    for (let byte = 0; byte < width; byte += 4, next += 4)
      target.setUint32(next, source.getUint32(pos + byte, true), true)
  }
  values.length = next
}

const gatherBytes: Gather = (source, at, offset, width, values) => {
  const target = values.view
  let next = values.length
  for (let row = 0; row < at.length; row++) {
    const pos = (at[row] as number) + offset
    for (let byte = 0; byte < width; byte++, next++) target.setUint8(next, source.getUint8(pos + byte))
  }
  values.length = next
}
