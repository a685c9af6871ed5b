import { getRootId } from './leftover-segments.ts'
import type { SealedSegment } from './segment.ts'

/** Sealed segments that are not stored yet, and their pieces. */
export class PendingSegments {
  readonly #segments = new Set<SealedSegment>()
  readonly #waiting = new Set<() => void>()
  #bytes = 0

  get size(): number {
    return this.#segments.size
  }

  get bytes(): number {
    return this.#bytes
  }

  list(): Iterable<SealedSegment> {
    return this.#segments
  }

  add(segment: SealedSegment): void {
    this.#segments.add(segment)
    this.#bytes += segment.bytes
  }

  /** @returns false when it was removed before */
  delete(segment: SealedSegment): boolean {
    if (!this.#segments.delete(segment)) return false
    this.#bytes -= segment.bytes
    // A split adds the pieces after it removes the segment.
    queueMicrotask(() => {
      for (const check of this.#waiting) check()
    })
    return true
  }

  /**
   * Resolves once the current segments, or all pieces of them, are removed: stored, in quarantine
   * or damaged.
   *
   * @throws the signal's reason
   */
  async waitUntilRemoved(signal: AbortSignal): Promise<void> {
    const ids = new Set(Array.from(this.#segments, ({ id }) => getRootId(id)))
    const isPending = (): boolean => Array.from(this.#segments).some(({ id }) => ids.has(getRootId(id)))
    signal.throwIfAborted()
    await new Promise<void>((resolve, reject) => {
      const end = (): void => {
        this.#waiting.delete(check)
        signal.removeEventListener('abort', abort)
      }
      const check = (): void => {
        if (isPending()) return
        end()
        resolve()
      }
      const abort = (): void => {
        end()
        reject(signal.reason as Error)
      }
      this.#waiting.add(check)
      signal.addEventListener('abort', abort)
      check()
    })
  }
}
