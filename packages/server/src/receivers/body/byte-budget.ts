/**
 * Bytes that all requests in flight may hold together, so that memory is bounded whatever arrives
 * at once.
 */
export class ByteBudget {
  readonly #limit: number
  #used = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** False when there is no room: nothing is taken then. */
  tryReserve(bytes: number): boolean {
    if (this.#used + bytes > this.#limit) return false
    this.#used += bytes
    return true
  }

  /**
   * Takes also what there is no room for: what is there anyway. Those who ask then wait until it is
   * given back.
   */
  reserve(bytes: number): void {
    this.#used += bytes
  }

  release(bytes: number): void {
    this.#used -= bytes
  }
}
