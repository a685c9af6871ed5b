import { ByteList } from './native/byte-list.ts'
import type { LowCardinalityColumn } from './native/column.ts'
import { TupleNumbers } from './native/tuple-numbers.ts'
import { ROW } from './traffic/span-row.ts'

const DAY_SECONDS = 86_400

/** Elements of an operation; the first two are numbers in dictionaries of the block. */
const [SERVICE, NAME, KIND, WIDTH] = [0, 1, 2, 3] as const

/** Names of up to 256 bytes each: some megabytes. */
const REMEMBERED_AT_MOST = 20_000
const LONGEST_REMEMBERED = 256

/**
 * Operations that the store has from this process, by day of arrival: most segments have nothing new. What is forgotten is
 * written again, to no effect.
 */
export class StoredOperations {
  readonly #keys = new Set<string>()

  has(key: string): boolean {
    return this.#keys.has(key)
  }

  add(keys: readonly string[]): void {
    if (this.#keys.size + keys.length > REMEMBERED_AT_MOST) this.#keys.clear()
    for (const key of keys.slice(0, REMEMBERED_AT_MOST)) this.#keys.add(key)
  }
}

/** A segment's operations: rows of `operations` for those that are new today. */
export class Operations {
  readonly #services: LowCardinalityColumn
  readonly #names: LowCardinalityColumn
  readonly #stored: StoredOperations
  readonly #operations = new TupleNumbers(WIDTH)
  readonly #operation = new Uint32Array(WIDTH)
  #received = 0
  readonly #rows = new ByteList()

  constructor(services: LowCardinalityColumn, names: LowCardinalityColumn, stored: StoredOperations) {
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
  take(bytes: Buffer, start: number): void {
    this.#operation[SERVICE] = this.#services.last()
    this.#operation[NAME] = this.#names.last()
    this.#operation[KIND] = bytes[start + ROW.kind] as number
    this.#operations.number(this.#operation)
    const received = bytes.readUInt32LE(start + ROW.received)
    if (received > this.#received) this.#received = received
  }

  /** RowBinary, valid until `clear`, and what to call once it is stored. */
  rows(): { readonly rows: Uint8Array; readonly stored: () => void } {
    const day = Math.floor(this.#received / DAY_SECONDS)
    const fresh: string[] = []
    for (let number = 0; number < this.#operations.count; number++) {
      const key = this.#keyOf(number, day)
      if (key !== undefined && this.#stored.has(key)) continue
      if (key !== undefined) fresh.push(key)
      this.#services.dictionary.write(this.#operations.at(number, SERVICE), this.#rows)
      this.#names.dictionary.write(this.#operations.at(number, NAME), this.#rows)
      this.#rows.u8(this.#operations.at(number, KIND))
      this.#rows.u32(this.#received)
    }
    return { rows: this.#rows.view(), stored: () => this.#stored.add(fresh) }
  }

  #keyOf(number: number, day: number): string | undefined {
    const service = textOf(this.#services, this.#operations.at(number, SERVICE))
    const name = textOf(this.#names, this.#operations.at(number, NAME))
    if (service === undefined || name === undefined) return undefined
    return `${day} ${this.#operations.at(number, KIND)} ${service.length} ${service}${name}`
  }
}

/** The bytes, a character each. */
function textOf({ dictionary }: LowCardinalityColumn, number: number): string | undefined {
  const length = dictionary.lengthOf(number)
  const at = dictionary.startOf(number)
  return length > LONGEST_REMEMBERED ? undefined : dictionary.strings.bytes.toString('latin1', at, at + length)
}
