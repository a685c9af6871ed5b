import { viewOf } from '../../bytes/copy-bytes.ts'
import { ByteList } from './byte-list.ts'
import type { Column } from './column.ts'
import type { RowCursor } from './row-cursor.ts'

/** Few enough that the rows' bytes are still in the processor's cache when the last column takes its values from them. */
const ROWS_AT_ONCE = 256

/**
 * Columns of fixed width that follow each other. A row only notes where its values begin; some hundred rows later each column takes its
 * own from all of them in one loop, which costs less than copying value by value as rows pass.
 */
export class FixedRun {
  readonly #width: number
  readonly #gatherers: readonly Gatherer[]
  readonly #at = new Uint32Array(ROWS_AT_ONCE)
  #rows = 0
  #bytes: Buffer = Buffer.alloc(0)

  /** @param widths bytes of a value of each column */
  constructor(widths: readonly number[]) {
    this.#width = widths.reduce((sum, width) => sum + width, 0)
    this.#gatherers = widths.map((width, place) => {
      const offset = widths.slice(0, place).reduce((sum, before) => sum + before, 0)
      return { width, offset, values: new ByteList(), gather: width % 4 === 0 ? gatherWords : gatherBytes }
    })
  }

  /** Takes the values that the cursor is at. */
  read(cursor: RowCursor): void {
    if (this.#rows === ROWS_AT_ONCE) this.#gather()
    this.#at[this.#rows++] = cursor.pos
    this.#bytes = cursor.bytes
    cursor.pos += this.#width
  }

  /** The column at this place of the run. */
  column(place: number): Column {
    const { values } = this.#gatherers[place] as Gatherer
    return {
      read: () => {},
      prefix: () => {},
      data: () => {
        this.#gather()
        return [values.used()]
      },
      clear: () => {
        this.#rows = 0
        values.clear()
      },
    }
  }

  #gather(): void {
    if (this.#rows === 0) return
    const at = this.#at.subarray(0, this.#rows)
    for (const { width, offset, values, gather } of this.#gatherers) {
      values.reserve(at.length * width)
      gather(this.#bytes, at, offset, width, values)
    }
    this.#rows = 0
  }
}

type Gather = (from: Buffer, at: Uint32Array, offset: number, width: number, values: ByteList) => void

type Gatherer = { readonly width: number; readonly offset: number; readonly values: ByteList; readonly gather: Gather }

const gatherWords: Gather = (from, at, offset, width, values) => {
  const source = viewOf(from)
  const target = values.view
  let next = values.length
  for (let row = 0; row < at.length; row++) {
    const pos = (at[row] as number) + offset
    for (let byte = 0; byte < width; byte += 4, next += 4)
      target.setInt32(next, source.getInt32(pos + byte, true), true)
  }
  values.length = next
}

const gatherBytes: Gather = (from, at, offset, width, values) => {
  const target = values.bytes
  let next = values.length
  for (let row = 0; row < at.length; row++) {
    const pos = (at[row] as number) + offset
    for (let byte = 0; byte < width; byte++) target[next++] = from[pos + byte] as number
  }
  values.length = next
}
