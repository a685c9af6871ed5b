import { releaseBuffers, acquireBuffer } from './buffer-pool.ts'

/** Preallocates at most 4x the bytes received so far; `Content-Length` is untrusted. */
const MAX_PREALLOCATION_RATIO = 4

const START_BYTES = 128 * 1024

/**
 * Concatenates chunks in a pooled buffer as they arrive, so that each chunk becomes young garbage,
 * collected in 2 ms. A body of one chunk isn't copied.
 */
export class BodyBuffer {
  readonly #expected: number
  #memory: Buffer | undefined
  #only: Buffer | undefined
  #length = 0

  /** @param expected the announced length in bytes; 0 if unknown */
  constructor(expected = 0) {
    this.#expected = expected
  }

  get length(): number {
    return this.#length
  }

  /** All bytes so far; valid until the next `append` or `release`. */
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

  /** Returns the buffer to the pool; `bytes` must not be read any more. */
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
