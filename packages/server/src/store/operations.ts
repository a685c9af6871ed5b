import { ByteList } from './native/byte-list.ts'
import type { LowCardinalityColumn } from './native/column.ts'
import { TupleNumbers } from './native/tuple-numbers.ts'
import { type RecentlyStored, stretchOf } from './recently-stored.ts'
import { ROW } from './traffic/span-row.ts'

/** Elements of an operation; the first two are numbers in dictionaries of the block. */
const [SERVICE, NAME, KIND, WIDTH] = [0, 1, 2, 3] as const

/** Longer names are written with every segment. */
const LONGEST_REMEMBERED = 256

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
    const fresh: string[] = []
    for (let number = 0; number < this.#operations.count; number++) {
      const key = this.#keyOf(number, stretch)
      if (key !== undefined && this.#stored.has(key)) continue
      if (key !== undefined) fresh.push(key)
      this.#services.dictionary.write(this.#operations.at(number, SERVICE), this.#rows)
      this.#names.dictionary.write(this.#operations.at(number, NAME), this.#rows)
      this.#rows.u8(this.#operations.at(number, KIND))
      this.#rows.u32(this.#received)
    }
    return { rows: this.#rows.used(), stored: () => this.#stored.add(fresh) }
  }

  #keyOf(number: number, stretch: number): string | undefined {
    const service = textOf(this.#services, this.#operations.at(number, SERVICE))
    const name = textOf(this.#names, this.#operations.at(number, NAME))
    if (service === undefined || name === undefined) return undefined
    return `${stretch} ${this.#operations.at(number, KIND)} ${service.length} ${service}${name}`
  }
}

/** The bytes, a character each. */
function textOf({ dictionary }: LowCardinalityColumn, number: number): string | undefined {
  const length = dictionary.lengthOf(number)
  const at = dictionary.startOf(number)
  return length > LONGEST_REMEMBERED ? undefined : dictionary.strings.bytes.toString('latin1', at, at + length)
}
