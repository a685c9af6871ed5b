/**
 * After this time, a table that was emptied, or a node that lost its data, receives the rows again.
 */
export const INSERT_WINDOW_SECONDS = 600

const MAX_KEYS = 20_000

/**
 * Keys of rows that this process inserted, per ten minutes of arrival: most segments repeat sources
 * and operations of earlier ones. Keys are added after the insert, so a retry skips only stored
 * rows.
 */
export class InsertCache {
  readonly #keys = new Set<string>()

  has(key: string): boolean {
    return this.#keys.has(key)
  }

  add(keys: readonly string[]): void {
    if (this.#keys.size + keys.length > MAX_KEYS) this.#keys.clear()
    for (const key of keys.slice(0, MAX_KEYS)) this.#keys.add(key)
  }
}

/** Number of the window, part of a key. */
export function toInsertWindow(receivedUnixSeconds: number): number {
  return Math.floor(receivedUnixSeconds / INSERT_WINDOW_SECONDS)
}
