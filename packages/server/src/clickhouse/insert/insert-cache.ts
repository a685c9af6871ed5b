/**
 * Beyond it a table that was emptied, or a node that came back without its data, gets its names
 * again.
 */
export const INSERT_WINDOW_SECONDS = 600

const MAX_KEYS = 20_000

/**
 * What the store has from this process, by ten minutes of arrival: most segments name the same
 * sources and operations as the ones before and need no insert for them. What is forgotten is
 * written again, to no effect. A key is there only once it is stored, so what a retry leaves out is
 * stored too, and a token that is known swallows nothing.
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

/** Part of a key. */
export function toInsertWindow(receivedUnixSeconds: number): number {
  return Math.floor(receivedUnixSeconds / INSERT_WINDOW_SECONDS)
}
