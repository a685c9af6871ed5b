import { OtlpError } from './error.ts'
import { MAX_ITEM_BYTES, MAX_ITEMS } from './limits.ts'
import type { Source } from './wire/source.ts'

/** Reasons may hold values of the request: each item could have its own. */
const MAX_REASONS = 5

/** The items of a request that are left out, while the rest of it is stored. */
export class Rejections {
  count = 0
  readonly #what: string
  /** How many items each reason is of, in order of the first one. */
  readonly #reasons = new Map<string, number>()
  /** Place of the first item. */
  #first = 0
  #otherReasons = 0
  /** Once a table is full, work on further items would be for nothing. */
  #isFull = false

  /** @param what an item in words: 'span' */
  constructor(what: string) {
    this.#what = what
  }

  /** Why an item of `bytes` bytes is rejected that comes after `taken` others; '' when it isn't. */
  findExceeded(source: Source, taken: number, bytes: number): string {
    if (source.rejection !== '') return source.rejection
    if (this.#isFull) return 'the request becomes too many bytes of rows'
    if (taken >= MAX_ITEMS) return `a request has at most ${MAX_ITEMS} of them`
    return bytes > MAX_ITEM_BYTES ? `${bytes} bytes are more than ${MAX_ITEM_BYTES}` : ''
  }

  /**
   * Why the item is rejected whose reading threw `error`.
   *
   * @throws `error` itself when the bytes are invalid, so that nothing behind them can be trusted
   *   either
   */
  fromError(error: unknown): string {
    const reason = explainRejection(error)
    if ((error as OtlpError).code === 'too-large') this.#isFull = true
    return reason
  }

  /** @param taken how many items of the request were taken before */
  add(taken: number, reason: string, count = 1): void {
    this.count += count
    this.#countReason(taken, reason, count)
  }

  /**
   * Reports what was left out of an item that is stored: the message of a partial success that
   * rejects nothing.
   */
  warn(taken: number, reason: string): void {
    this.#countReason(taken, reason, 1)
  }

  /** Each distinct reason with its number of items, up to `MAX_REASONS`; '' when there is none. */
  describe(): string {
    if (this.#reasons.size === 0) return ''
    const parts = Array.from(this.#reasons, ([reason, count]) => `${reason} (${this.#countItems(count)})`)
    if (this.#otherReasons > 0) parts.push(`other reasons (${this.#countItems(this.#otherReasons)})`)
    const [[only, count] = ['', 0]] = this.#reasons
    const text = parts.length === 1 && count === 1 ? only : parts.join('; ')
    return `${this.#what} ${this.#first} of the request: ${text}`
  }

  #countReason(taken: number, reason: string, count: number): void {
    const known = this.#reasons.get(reason)
    if (this.#reasons.size === 0) this.#first = taken
    if (known !== undefined || this.#reasons.size < MAX_REASONS) this.#reasons.set(reason, (known ?? 0) + count)
    else this.#otherReasons += count
  }

  #countItems(count: number): string {
    return `${count} ${this.#what}${count === 1 ? '' : 's'}`
  }
}

/**
 * Why what threw `error` can't be stored.
 *
 * @throws `error` itself when the bytes are invalid, so that nothing behind them can be trusted
 *   either
 */
export function explainRejection(error: unknown): string {
  if (error instanceof OtlpError && ITEM_ERRORS.has(error.code)) return error.message
  throw error
}

const ITEM_ERRORS: ReadonlySet<OtlpError['code']> = new Set(['too-deep', 'over-limit', 'bad-field', 'too-large'])
