import type { ByteList } from '../native/byte-list.ts'
import { type Column, lowCardinalityColumn } from '../native/column.ts'
import { ByteList as Bytes } from '../native/byte-list.ts'
import type { RowCursor } from '../native/row-cursor.ts'
import { batchCountName, messagingNames } from './semconv.ts'

/** Fields that are columns. */
const FIELDS = ['system', 'operation', 'topic', 'partition', 'offset', 'group', 'cluster'] as const

/**
 * All names that are looked for, those of a field side by side and the first to win first. Fewer
 * than 32: each is a bit.
 */
const NAMES: readonly string[] = [...FIELDS.flatMap((field) => messagingNames[field]), batchCountName]

const PLACE_OF = new Map(NAMES.map((name, place) => [name, place]))
const LONGEST_NAME = Math.max(...NAMES.map((name) => name.length))

/** From the first name of a field to before the first of the next, and the bits of all. */
export type Names = { readonly from: number; readonly to: number; readonly bits: number }

export const namesOf = Object.fromEntries(
  FIELDS.map((field) => {
    const names = messagingNames[field]
    const from = PLACE_OF.get(names[0]) as number
    return [field, toNames(from, from + names.length)]
  }),
) as Readonly<Record<(typeof FIELDS)[number], Names>>

export const batchCount = toNames(NAMES.length - 1, NAMES.length)

function toNames(from: number, to: number): Names {
  return { from, to, bits: (1 << to) - (1 << from) }
}

/** In `#placeOfKey`. */
const NOT_LOOKED_AT = 255
const OTHER = 254

/**
 * The column `attrs` of spans, which takes note of where each messaging attribute of the row lies.
 * Keys are compared with the names once a block, when they come into the dictionary.
 */
export class NotedAttributes implements Column {
  readonly #keys = lowCardinalityColumn()
  readonly #values = new Bytes()
  readonly #ends = new Bytes()
  #end = 0
  #placeOfKey = new Uint8Array(256).fill(NOT_LOOKED_AT)
  readonly #valueAt = new Uint32Array(NAMES.length)
  /** A bit for each name that the row has. */
  #seen = 0

  read(cursor: RowCursor): void {
    const length = cursor.varint()
    let seen = 0
    for (let i = 0; i < length; i++) {
      const key = this.#keys.read(cursor)
      const start = cursor.pos
      const place = key < this.#placeOfKey.length ? (this.#placeOfKey[key] as number) : NOT_LOOKED_AT
      if (place !== OTHER) seen = this.#note(key, start, seen)
      const size = cursor.varint()
      cursor.pos += size
      cursor.check()
      this.#values.append(cursor.view, start, cursor.pos - start)
    }
    this.#seen = seen
    this.#end += length
    this.#ends.u64(this.#end)
  }

  /** Of a key that comes again, the first counts: it is what the engine finds in a map. */
  #note(key: number, valueAt: number, seen: number): number {
    if (key >= this.#placeOfKey.length) {
      const larger = new Uint8Array(Math.max(key + 1, this.#placeOfKey.length * 2)).fill(NOT_LOOKED_AT)
      larger.set(this.#placeOfKey)
      this.#placeOfKey = larger
    }
    let place = this.#placeOfKey[key] as number
    if (place === NOT_LOOKED_AT) {
      place = this.#placeOf(key)
      this.#placeOfKey[key] = place
    }
    if (place === OTHER || (seen & (1 << place)) !== 0) return seen
    this.#valueAt[place] = valueAt
    return seen | (1 << place)
  }

  #placeOf(key: number): number {
    const { dictionary } = this.#keys
    const length = dictionary.lengthOf(key)
    if (length > LONGEST_NAME) return OTHER
    const at = dictionary.startOf(key)
    return PLACE_OF.get(dictionary.strings.bytes.toString('latin1', at, at + length)) ?? OTHER
  }

  /** The row read last has none of the names. */
  hasNone(): boolean {
    return this.#seen === 0
  }

  /**
   * Where in the rows the value of the first of `names` lies that the row has one for, its length
   * first; else -1.
   */
  find({ from, to, bits }: Names, bytes: Buffer): number {
    if ((this.#seen & bits) === 0) return -1
    for (let place = from; place < to; place++) {
      if ((this.#seen & (1 << place)) === 0) continue
      const at = this.#valueAt[place] as number
      if (bytes[at] !== 0) return at
    }
    return -1
  }

  /** The same of one name, by its place. */
  valueAt(place: number): number {
    return (this.#seen & (1 << place)) === 0 ? -1 : (this.#valueAt[place] as number)
  }

  prefix(out: ByteList): void {
    this.#keys.prefix(out)
  }

  data(): Buffer[] {
    return [this.#ends.used(), ...this.#keys.data(), this.#values.used()]
  }

  clear(): void {
    this.#keys.clear()
    this.#values.clear()
    this.#ends.clear()
    this.#end = 0
    this.#seen = 0
    this.#placeOfKey.fill(NOT_LOOKED_AT)
  }
}
