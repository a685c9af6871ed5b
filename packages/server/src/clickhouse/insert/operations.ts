import { ByteList } from './native/byte-list.ts'
import type { LowCardinalityColumn } from './native/column.ts'
import { TupleNumbers } from './native/tuple-numbers.ts'
import { type RecentlyStored, stretchOf } from './insert-cache.ts'
import { ROW } from './rollups/span-row.ts'

/** Elements of an operation; the first two are numbers in dictionaries of the block. */
const [SERVICE, NAME, KIND, WIDTH] = [0, 1, 2, 3] as const

/** Longer rows are written with every segment. */
const MAX_REMEMBERED_BYTES = 512

/** The last column of a row. */
const RECEIVED_BYTES = 4

/** A segment's operations: rows of `operations` for those that were not stored lately. */
export class Operations {
  readonly #services: LowCardinalityColumn
  readonly #names: LowCardinalityColumn
  readonly #stored: RecentlyStored
  readonly #operations = new TupleNumbers(WIDTH)
  readonly #operation = new Uint32Array(WIDTH)
  #received = 0
  readonly #rows = new ByteList()

  constructor(services: LowCardinalityColumn, names: LowCardinalityColumn, stored: RecentlyStored) {
    this.#services = services
    this.#names = names
    this.#stored = stored
  }

  clear(): void {
    this.#operations.clear()
    this.#received = 0
    this.#rows.clear()
  }

  /** Takes the row at `start` that all columns have read last. */
  take(view: DataView, start: number): void {
    this.#operation[SERVICE] = this.#services.last()
    this.#operation[NAME] = this.#names.last()
    this.#operation[KIND] = view.getUint8(start + ROW.kind)
    this.#operations.number(this.#operation)
    const received = view.getUint32(start + ROW.received, true)
    if (received > this.#received) this.#received = received
  }

  /** RowBinary, valid until `clear`, and what to call once it is stored. */
  rows(): { readonly rows: Uint8Array; readonly stored: () => void } {
    const stretch = stretchOf(this.#received)
    const rows = this.#rows
    const fresh: string[] = []
    for (let number = 0; number < this.#operations.count; number++) {
      const start = rows.length
      this.#services.dictionary.write(this.#operations.at(number, SERVICE), rows)
      this.#names.dictionary.write(this.#operations.at(number, NAME), rows)
      rows.u8(this.#operations.at(number, KIND))
      // The key is the row itself with the stretch in place of `received`: a string joined of parts
      // costs twice as much.
      rows.u32(stretch)
      const key =
        rows.length - start > MAX_REMEMBERED_BYTES ? undefined : rows.bytes.toString('latin1', start, rows.length)
      const isStored = key !== undefined && this.#stored.has(key)
      rows.length = isStored ? start : rows.length - RECEIVED_BYTES
      if (isStored) continue
      if (key !== undefined) fresh.push(key)
      rows.u32(this.#received)
    }
    return { rows: rows.used(), stored: () => this.#stored.add(fresh) }
  }
}
