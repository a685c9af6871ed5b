import { type Column, createLowCardinalityColumn } from '../native/column.ts'
import { ByteList } from '../native/byte-list.ts'
import { growList } from '../native/grow-list.ts'
import type { RowCursor } from '../native/row-cursor.ts'
import { batchCountName, kafkaTopicName, messagingNames } from './semconv.ts'

/** Fields with a column. */
const FIELDS = ['system', 'operation', 'topic', 'partition', 'offset', 'group', 'cluster'] as const

/** All names, grouped by field, the one with precedence first. Fewer than 32: each is a bit. */
const NAMES: readonly string[] = [...FIELDS.flatMap((field) => messagingNames[field]), batchCountName]

const INDEX_BY_NAME = new Map(NAMES.map((name, index) => [name, index]))
const MAX_NAME_LENGTH = Math.max(...NAMES.map((name) => name.length))

/** Indexes of a field's names in NAMES, `to` exclusive, and their bits. */
export type NameRange = { readonly from: number; readonly to: number; readonly bits: number }

export const nameRanges = Object.fromEntries(
  FIELDS.map((field) => {
    const names = messagingNames[field]
    const from = INDEX_BY_NAME.get(names[0]) as number
    return [field, createRange(from, from + names.length)]
  }),
) as Readonly<Record<(typeof FIELDS)[number], NameRange>>

export const batchCountRange = createRange(NAMES.length - 1, NAMES.length)
export const kafkaTopicRange = createRange(NAMES.indexOf(kafkaTopicName), NAMES.indexOf(kafkaTopicName) + 1)

function createRange(from: number, to: number): NameRange {
  return { from, to, bits: (1 << to) - (1 << from) }
}

/** In `#indexByKey`. */
const UNKNOWN = 255
const OTHER = 254

/**
 * The column `attrs` of spans. It records the positions of a row's messaging attributes; keys are
 * compared with the names once per block, when they enter the dictionary.
 */
export class AttributesColumn implements Column {
  readonly #keys = createLowCardinalityColumn()
  readonly #values = new ByteList()
  readonly #ends = new ByteList()
  #end = 0
  #indexByKey = new Uint8Array(256).fill(UNKNOWN)
  readonly #valueAt = new Uint32Array(NAMES.length)
  /** One bit per name that the row has. */
  #seen = 0

  read(cursor: RowCursor): void {
    const length = cursor.varint()
    let seen = 0
    for (let i = 0; i < length; i++) {
      const key = this.#keys.read(cursor)
      const start = cursor.pos
      const index = key < this.#indexByKey.length ? (this.#indexByKey[key] as number) : UNKNOWN
      if (index !== OTHER) seen = this.#recordValue(key, start, seen)
      const size = cursor.varint()
      cursor.pos += size
      cursor.checkBounds()
      this.#values.append(cursor.view, start, cursor.pos - start)
    }
    this.#seen = seen
    this.#end += length
    this.#ends.u64(this.#end)
  }

  /** The first of equal keys counts, as in ClickHouse's map access. */
  #recordValue(key: number, valueAt: number, seen: number): number {
    if (key >= this.#indexByKey.length) {
      this.#indexByKey = growList(this.#indexByKey, key + 1).fill(UNKNOWN, this.#indexByKey.length)
    }
    let index = this.#indexByKey[key] as number
    if (index === UNKNOWN) {
      index = this.#findName(key)
      this.#indexByKey[key] = index
    }
    if (index === OTHER || (seen & (1 << index)) !== 0) return seen
    this.#valueAt[index] = valueAt
    return seen | (1 << index)
  }

  #findName(key: number): number {
    const { dictionary } = this.#keys
    const length = dictionary.getLength(key)
    if (length > MAX_NAME_LENGTH) return OTHER
    const at = dictionary.getStart(key)
    return INDEX_BY_NAME.get(dictionary.strings.bytes.toString('latin1', at, at + length)) ?? OTHER
  }

  /** Whether the last row has none of the names. */
  hasNone(): boolean {
    return this.#seen === 0
  }

  /** Position of the first non-empty value of the names, its length first; else -1. */
  find({ from, to, bits }: NameRange, bytes: Buffer): number {
    if ((this.#seen & bits) === 0) return -1
    for (let index = from; index < to; index++) {
      if ((this.#seen & (1 << index)) === 0) continue
      const at = this.#valueAt[index] as number
      if (bytes[at] !== 0) return at
    }
    return -1
  }

  /** The same of one name, by its index. */
  valueAt(index: number): number {
    return (this.#seen & (1 << index)) === 0 ? -1 : (this.#valueAt[index] as number)
  }

  prefix(out: ByteList): void {
    this.#keys.prefix?.(out)
  }

  data(): Buffer[] {
    return [this.#ends.contents(), ...this.#keys.data(), this.#values.contents()]
  }

  clear(): void {
    this.#keys.clear()
    this.#values.clear()
    this.#ends.clear()
    this.#end = 0
    this.#seen = 0
    this.#indexByKey.fill(UNKNOWN)
  }
}
