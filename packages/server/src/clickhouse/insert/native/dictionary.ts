import { bytesEqual } from '../../../runtime/bytes-equal.ts'
import { ByteList } from './byte-list.ts'
import { growList } from './grow-list.ts'
import type { RowCursor } from './row-cursor.ts'
import { mixHash, finishHash } from './seeded-hash.ts'

const INITIAL_SLOTS = 256

/**
 * Distinct strings, numbered in order of arrival. Attribute keys repeat in the same order, so the
 * string that followed last time is compared before hashing.
 */
export class Dictionary {
  /** The strings in RowBinary, concatenated. */
  readonly strings = new ByteList()
  count = 0
  /** Offset and length of each string's bytes in `strings`. */
  #at = new Uint32Array(INITIAL_SLOTS)
  #length = new Uint32Array(INITIAL_SLOTS)
  #hash = new Int32Array(INITIAL_SLOTS)
  /** Open addressing: number + 1, or 0. */
  #slots = new Uint32Array(INITIAL_SLOTS * 2)
  /** Number + 1 of the string that followed this one last time. */
  #next = new Uint32Array(INITIAL_SLOTS)
  #last = 0

  clear(): void {
    this.strings.clear()
    this.#slots.fill(0)
    this.#next.fill(0)
    this.count = 0
    this.#last = 0
  }

  /** Reads the string at the cursor and returns its number. */
  intern(cursor: RowCursor): number {
    const length = cursor.varint()
    const at = cursor.pos
    cursor.pos = at + length
    cursor.checkBounds()
    return this.internBytes(cursor.view, at, length)
  }

  /** Returns the number of the string of these bytes. */
  internBytes(view: DataView, at: number, length: number): number {
    const guess = (this.#next[this.#last] as number) - 1
    if (guess >= 0 && this.#is(guess, view, at, length)) {
      this.#last = guess
      return guess
    }
    const found = this.#find(view, at, length)
    this.#next[this.#last] = found + 1
    this.#last = found
    return found
  }

  getLength(number: number): number {
    return this.#length[number] as number
  }

  /** Offset of the string's bytes in `strings`. */
  getStart(number: number): number {
    return this.#at[number] as number
  }

  /** Appends the string in RowBinary. */
  write(number: number, out: ByteList): void {
    const length = this.getLength(number)
    out.varint(length)
    out.append(this.strings.view, this.getStart(number), length)
  }

  #find(view: DataView, at: number, length: number): number {
    const hash = computeHash(view, at, length)
    const mask = this.#slots.length - 1
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const number = (this.#slots[slot] as number) - 1
      if (number < 0) return this.#add(hash, slot, view, at, length)
      if (this.#hash[number] === hash && this.#is(number, view, at, length)) return number
    }
  }

  #is(number: number, view: DataView, at: number, length: number): boolean {
    return (
      this.#length[number] === length && bytesEqual(this.strings.view, this.#at[number] as number, view, at, length)
    )
  }

  #add(hash: number, slot: number, view: DataView, at: number, length: number): number {
    const number = this.count++
    if (number === this.#at.length) this.#grow()
    this.strings.varint(length)
    this.#at[number] = this.strings.length
    this.#length[number] = length
    this.#hash[number] = hash
    this.#next[number] = 0
    this.strings.append(view, at, length)
    if (this.count * 2 > this.#slots.length) this.#rehash()
    else this.#slots[slot] = number + 1
    return number
  }

  #grow(): void {
    const size = this.#at.length * 2
    this.#at = growList(this.#at, size)
    this.#length = growList(this.#length, size)
    this.#next = growList(this.#next, size)
    this.#hash = growList(this.#hash, size)
  }

  #rehash(): void {
    const slots = new Uint32Array(this.#slots.length * 2)
    const mask = slots.length - 1
    for (let number = 0; number < this.count; number++) {
      let slot = (this.#hash[number] as number) & mask
      while (slots[slot] !== 0) slot = (slot + 1) & mask
      slots[slot] = number + 1
    }
    this.#slots = slots
  }
}

function computeHash(view: DataView, at: number, length: number): number {
  const end = at + length
  let hash = length
  let pos = at
  for (; pos <= end - 4; pos += 4) hash = mixHash(hash ^ view.getInt32(pos, true))
  for (; pos < end; pos++) hash = mixHash(hash ^ view.getUint8(pos))
  return finishHash(hash)
}
