import { mixed, settled } from './secret-hash.ts'

const START_TUPLES = 256

/** Memory for more than these is given back when the numbers are cleared. */
const KEEP_TUPLES = 64 * 1024

/** Distinct tuples of unsigned 32-bit numbers, numbered as they come; as bounded as what is put in. */
export class TupleNumbers {
  count = 0
  readonly #width: number
  /** All tuples, one after the other. */
  #tuples: Uint32Array
  /** Open addressing: number + 1, or 0. */
  #slots: Uint32Array

  constructor(width: number) {
    this.#width = width
    this.#tuples = new Uint32Array(START_TUPLES * width)
    this.#slots = new Uint32Array(START_TUPLES * 2)
  }

  clear(): void {
    this.count = 0
    if (this.#slots.length > KEEP_TUPLES * 2) {
      this.#tuples = new Uint32Array(START_TUPLES * this.#width)
      this.#slots = new Uint32Array(START_TUPLES * 2)
    } else this.#slots.fill(0)
  }

  /** The element of a tuple. */
  at(number: number, element: number): number {
    return this.#tuples[number * this.#width + element] as number
  }

  /** `count` is one more afterwards when the tuple is new. */
  number(tuple: Uint32Array): number {
    const mask = this.#slots.length - 1
    for (let slot = hashOf(tuple) & mask; ; slot = (slot + 1) & mask) {
      const number = (this.#slots[slot] as number) - 1
      if (number < 0) return this.#add(tuple, slot)
      if (this.is(number, tuple)) return number
    }
  }

  is(number: number, tuple: Uint32Array): boolean {
    const from = number * this.#width
    for (let i = 0; i < tuple.length; i++) if (this.#tuples[from + i] !== tuple[i]) return false
    return true
  }

  #add(tuple: Uint32Array, slot: number): number {
    const number = this.count++
    if (this.#tuples.length < this.count * this.#width) {
      const larger = new Uint32Array(this.#tuples.length * 2)
      larger.set(this.#tuples)
      this.#tuples = larger
    }
    this.#tuples.set(tuple, number * this.#width)
    if (this.count * 2 > this.#slots.length) this.#rehash()
    else this.#slots[slot] = number + 1
    return number
  }

  #rehash(): void {
    const slots = new Uint32Array(this.#slots.length * 2)
    const mask = slots.length - 1
    for (let number = 0; number < this.count; number++) {
      const from = number * this.#width
      let slot = hashOf(this.#tuples.subarray(from, from + this.#width)) & mask
      while (slots[slot] !== 0) slot = (slot + 1) & mask
      slots[slot] = number + 1
    }
    this.#slots = slots
  }
}

function hashOf(tuple: Uint32Array): number {
  let hash = 0
  for (let i = 0; i < tuple.length; i++) hash = mixed(hash ^ (tuple[i] as number))
  return settled(hash)
}
