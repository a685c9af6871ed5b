import { releaseBuffers, acquireBuffer } from './buffer-pool.ts'

/**
 * On somebody's word that so much will come, memory for so many times what has come is taken: what
 * comes is counted, the word isn't.
 */
const MAX_PREALLOCATION_RATIO = 4

const START_BYTES = 128 * 1024

/**
 * Pieces put together as they come, in row memory: each piece is garbage at once, which V8 collects
 * in 2 ms, and the whole is none. A body that comes in one piece isn't copied.
 */
export class BodyBuffer {
  readonly #expected: number
  #memory: Buffer | undefined
  #only: Buffer | undefined
  #length = 0

  /** @param expected how many there will be, as far as that is known */
  constructor(expected = 0) {
    this.#expected = expected
  }

  get length(): number {
    return this.#length
  }

  /** All there are: to be used before the next are added, or all are given back. */
  get bytes(): Buffer {
    return (this.#only ?? this.#memory ?? EMPTY).subarray(0, this.#length)
  }

  append(piece: Buffer): void {
    if (this.#length === 0) this.#only = piece
    else {
      const memory = this.#withRoom(this.#length + piece.length)
      piece.copy(memory, this.#length)
      this.#only = undefined
    }
    this.#length += piece.length
  }

  /** Nobody reads them any more. */
  release(): void {
    if (this.#memory !== undefined) releaseBuffers([this.#memory])
    this.#memory = undefined
    this.#only = undefined
    this.#length = 0
  }

  #withRoom(needed: number): Buffer {
    const had = this.#memory
    if (had !== undefined && needed <= had.length) return had
    const trusted = Math.min(this.#expected, needed * MAX_PREALLOCATION_RATIO)
    const memory = acquireBuffer(Math.max(needed, trusted, had === undefined ? START_BYTES : had.length * 2))
    this.bytes.copy(memory)
    if (had !== undefined) releaseBuffers([had])
    this.#memory = memory
    return memory
  }
}

const EMPTY = Buffer.alloc(0)
