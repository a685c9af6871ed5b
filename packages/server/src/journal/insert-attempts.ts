import { StoreError, type StoreErrorCode } from '../clickhouse/store-error.ts'

/**
 * Inserts that may run out of memory before a segment is split. The first may have failed because
 * other queries used the memory.
 */
const MAX_MEMORY_ERRORS = 2

/** Rejected inserts before rows are quarantined, if other segments were stored meanwhile. */
const MAX_REJECTIONS = 5

/**
 * Inserts that may run out of memory before rows that can't be split further are quarantined.
 * Higher, because queries may use the memory for a while.
 */
const MAX_ROW_MEMORY_ERRORS = 12

const MIN_RETRY_DELAY_MS = 100
const MAX_RETRY_DELAY_MS = 5000

/** Counts the failed inserts of a segment and decides when to split, quarantine or retry it. */
export class InsertAttempts {
  #failures = 0
  /** Failures that the segment's own rows may have caused. */
  #rejections = 0
  #memoryErrors = 0
  /** Whether it is known which rows of the last failed table are stored. */
  isOutcomeKnown = false
  /** Number of segments that were stored before the first failure of this one. */
  readonly #storedBefore: number

  constructor(storedBefore: number) {
    this.#storedBefore = storedBefore
  }

  /** @param code of the StoreError; undefined = of an error of another kind */
  countError(code: StoreErrorCode | undefined): void {
    if (code === 'too-heavy') this.#memoryErrors++
    else if (code !== undefined && code !== 'unavailable' && code !== 'timeout') this.#rejections++
  }

  isTooLarge(): boolean {
    return this.#memoryErrors >= MAX_MEMORY_ERRORS
  }

  /** The first rejection is ignored: the connection may have been cut. */
  isRejectedAgain(): boolean {
    return this.#rejections > 1
  }

  /**
   * Whether the inserts ran out of memory too often, or were rejected too often while other
   * segments were stored.
   */
  hasFailedPermanently(stored: number): boolean {
    if (this.#memoryErrors >= MAX_ROW_MEMORY_ERRORS) return true
    return this.#rejections >= MAX_REJECTIONS && stored > this.#storedBefore
  }

  /** Returns the delay before the next attempt, in milliseconds. Doubles up to 5 s. */
  nextDelayMs(): number {
    return Math.min(MIN_RETRY_DELAY_MS * 2 ** this.#failures++, MAX_RETRY_DELAY_MS)
  }
}

/**
 * Whether the error proves that no row of the insert is stored, or that all are and the error lists
 * the missing rollups. An insert into shards is not atomic: some shards may have stored their part.
 */
export function provesOutcome(error: unknown, isSharded: boolean): boolean {
  if (!(error instanceof StoreError)) return false
  if (error.code === 'bad-rows') return true
  if (isSharded || error.code === 'timeout') return false
  if (error.code !== 'unavailable') return true
  const { cause } = error
  return cause === undefined || (cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED')
}

export function toMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
