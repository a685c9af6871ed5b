import { growList } from './grow-list.ts'
import { mixHash, finishHash } from './seeded-hash.ts'

const INITIAL_TUPLES = 256

/** `clear` releases the memory of a larger dictionary. */
const MAX_KEPT_TUPLES = 64 * 1024

/** Distinct tuples of unsigned 32-bit numbers, numbered in order of arrival. */
export class TupleDictionary {
  count = 0
  /** All tuples, each followed by its `extra` words. Replaced when it grows. */
  words: Uint32Array
  readonly #width: number
  readonly #stride: number
  /** Open addressing: number + 1, or 0. */
  #slots: Uint32Array

  /** @param extra words reserved for the caller after each tuple, in the same cache line */
  constructor(width: number, extra = 0) {
    this.#width = width
    this.#stride = width + extra
    this.words = new Uint32Array(INITIAL_TUPLES * this.#stride)
    this.#slots = new Uint32Array(INITIAL_TUPLES * 2)
  }

  clear(): void {
    this.count = 0
    if (this.#slots.length > MAX_KEPT_TUPLES * 2) {
      this.words = new Uint32Array(INITIAL_TUPLES * this.#stride)
      this.#slots = new Uint32Array(INITIAL_TUPLES * 2)
    } else this.#slots.fill(0)
  }

  get(number: number, element: number): number {
    return this.words[number * this.#stride + element] as number
  }

  /** Returns the number of the tuple. `count` grows by one if it is new. */
  intern(tuple: Uint32Array): number {
    const mask = this.#slots.length - 1
    for (let slot = computeHash(tuple, 0, tuple.length) & mask; ; slot = (slot + 1) & mask) {
      const number = (this.#slots[slot] as number) - 1
      if (number < 0) return this.#add(tuple, slot)
      if (this.equals(number, tuple)) return number
    }
  }

  equals(number: number, tuple: Uint32Array): boolean {
    const from = number * this.#stride
    for (let i = 0; i < tuple.length; i++) if (this.words[from + i] !== tuple[i]) return false
    return true
  }

  #add(tuple: Uint32Array, slot: number): number {
    const number = this.count++
    this.words = growList(this.words, this.count * this.#stride)
    const from = number * this.#stride
    for (let i = 0; i < tuple.length; i++) this.words[from + i] = tuple[i] as number
    if (this.count * 2 > this.#slots.length) this.#rehash()
    else this.#slots[slot] = number + 1
    return number
  }

  #rehash(): void {
    const slots = new Uint32Array(this.#slots.length * 2)
    const mask = slots.length - 1
    for (let number = 0; number < this.count; number++) {
      let slot = computeHash(this.words, number * this.#stride, this.#width) & mask
      while (slots[slot] !== 0) slot = (slot + 1) & mask
      slots[slot] = number + 1
    }
    this.#slots = slots
  }
}

function computeHash(words: Uint32Array, from: number, width: number): number {
  let hash = 0
  for (let i = from; i < from + width; i++) hash = mixHash(hash ^ (words[i] as number))
  return finishHash(hash)
}
