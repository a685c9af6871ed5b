import { ByteList } from './native/byte-list.ts'
import type { LowCardinalityColumn } from './native/column.ts'
import { TupleDictionary } from './native/tuple-dictionary.ts'
import { type InsertCache, toInsertWindow } from './insert-cache.ts'
import { SPAN_OFFSETS } from './rollups/span-offsets.ts'

/** Elements of an operation; the first two are numbers in the block's dictionaries. */
const [SERVICE, NAME, KIND, WIDTH] = [0, 1, 2, 3] as const

/** Longer rows are not cached: every segment inserts them. */
const MAX_KEY_BYTES = 512

/** The last column of a row. */
const RECEIVED_BYTES = 4

/** A segment's operations: rows of `operations` for those that are not in the cache. */
export class Operations {
  readonly #services: LowCardinalityColumn
  readonly #names: LowCardinalityColumn
  readonly #cache: InsertCache
  readonly #operations = new TupleDictionary(WIDTH)
  readonly #operation = new Uint32Array(WIDTH)
  #received = 0
  readonly #rows = new ByteList()

  constructor(services: LowCardinalityColumn, names: LowCardinalityColumn, cache: InsertCache) {
    this.#services = services
    this.#names = names
    this.#cache = cache
  }

  clear(): void {
    this.#operations.clear()
    this.#received = 0
    this.#rows.clear()
  }

  /** Adds the row at `start`, which all columns have read. */
  add(view: DataView, start: number): void {
    this.#operation[SERVICE] = this.#services.lastNumber()
    this.#operation[NAME] = this.#names.lastNumber()
    this.#operation[KIND] = view.getUint8(start + SPAN_OFFSETS.kind)
    this.#operations.intern(this.#operation)
    const received = view.getUint32(start + SPAN_OFFSETS.received, true)
    if (received > this.#received) this.#received = received
  }

  /** RowBinary, valid until `clear`; call `markStored` once it is inserted. */
  toRows(): { readonly rows: Uint8Array; readonly markStored: () => void } {
    const window = toInsertWindow(this.#received)
    const rows = this.#rows
    const newKeys: string[] = []
    for (let number = 0; number < this.#operations.count; number++) {
      const start = rows.length
      this.#services.dictionary.write(this.#operations.get(number, SERVICE), rows)
      this.#names.dictionary.write(this.#operations.get(number, NAME), rows)
      rows.u8(this.#operations.get(number, KIND))
      // The key is the row with the window as `received`: joining strings costs twice as much.
      rows.u32(window)
      const key = rows.length - start > MAX_KEY_BYTES ? undefined : rows.bytes.toString('latin1', start, rows.length)
      const isStored = key !== undefined && this.#cache.has(key)
      rows.length = isStored ? start : rows.length - RECEIVED_BYTES
      if (isStored) continue
      if (key !== undefined) newKeys.push(key)
      rows.u32(this.#received)
    }
    return { rows: rows.contents(), markStored: () => this.#cache.add(newKeys) }
  }
}
