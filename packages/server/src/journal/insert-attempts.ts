import { StoreError, type StoreErrorCode } from '../clickhouse/store-error.ts'

/**
 * Inserts that ran out of memory before a segment is split: the first time others may have had it.
 */
const MAX_MEMORY_ERRORS = 2

/** Inserts of rows that the store refuses while it takes others, before they are set aside. */
const MAX_REJECTIONS = 5

/**
 * The same of rows that can't be split any further, and of which memory is the reason: queries may
 * have it for a while.
 */
const MAX_ROW_MEMORY_ERRORS = 12

const MIN_RETRY_DELAY_MS = 100
const MAX_RETRY_DELAY_MS = 5000

/** The inserts of a segment that is not stored yet. */
export class InsertAttempts {
  #failures = 0
  /** Failures that may be because of its own rows. */
  #refusals = 0
  #memoryErrors = 0
  /** Whether ClickHouse has rows of the table that failed last. */
  isOutcomeKnown = false
  /** Segments that were stored before its first failure. */
  readonly #storedBefore: number

  constructor(storedBefore: number) {
    this.#storedBefore = storedBefore
  }

  /** @param code of the StoreError; undefined = of an error of another kind */
  countError(code: StoreErrorCode | undefined): void {
    if (code === 'too-heavy') this.#memoryErrors++
    else if (code !== undefined && code !== 'unavailable' && code !== 'timeout') this.#refusals++
  }

  isTooLarge(): boolean {
    return this.#memoryErrors >= MAX_MEMORY_ERRORS
  }

  /** The first time the connection may have been cut. */
  isInvalid(): boolean {
    return this.#refusals > 1
  }

  /** Rows that fail again and again while others are stored are themselves the reason. */
  isRejected(stored: number): boolean {
    if (this.#memoryErrors >= MAX_ROW_MEMORY_ERRORS) return true
    return this.#refusals >= MAX_REJECTIONS && stored > this.#storedBefore
  }

  /** Until the next one, in milliseconds. */
  nextDelayMs(): number {
    return Math.min(MIN_RETRY_DELAY_MS * 2 ** this.#failures++, MAX_RETRY_DELAY_MS)
  }
}

/**
 * Whether no row of a failed insert is stored, or all and the error lists the missing summaries. An
 * insert into shards is not atomic: one may have its part.
 */
export function isOutcomeKnown(error: unknown, isSharded: boolean): boolean {
  if (!(error instanceof StoreError)) return false
  if (error.code === 'bad-rows') return true
  if (isSharded || error.code === 'timeout') return false
  if (error.code !== 'unavailable') return true
  const { cause } = error
  return cause === undefined || (cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED')
}
