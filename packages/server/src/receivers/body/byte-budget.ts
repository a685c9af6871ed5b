/** Limits the bytes that all requests in flight hold together, and so the receiver's memory. */
export class ByteBudget {
  readonly #limit: number
  #used = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Returns false, and reserves nothing, if the limit would be exceeded. */
  tryReserve(bytes: number): boolean {
    if (this.#used + bytes > this.#limit) return false
    this.#used += bytes
    return true
  }

  /**
   * Reserves even beyond the limit, for memory that is allocated already. `tryReserve` then fails
   * until enough is released.
   */
  reserve(bytes: number): void {
    this.#used += bytes
  }

  release(bytes: number): void {
    this.#used -= bytes
  }
}
