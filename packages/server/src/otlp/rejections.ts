import { OtlpError } from './error.ts'
import { MAX_ITEM_BYTES, MAX_ITEMS } from './limits.ts'
import type { Source } from './source.ts'

/** The items of a request that are left out, while the rest of it is stored. */
export class Rejections {
  count = 0
  /** Why the first of them was; '' when there is none. */
  reason = ''
  readonly #what: string
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
   * @throws `error` itself when the bytes are invalid, so that nothing behind them can be trusted either
   */
  fromError(error: unknown): string {
    const reason = explainRejection(error)
    if ((error as OtlpError).code === 'too-large') this.#isFull = true
    return reason
  }

  /** @param taken how many items of the request were taken before */
  add(taken: number, reason: string, count = 1): void {
    if (this.count === 0) this.reason = `${this.#what} ${taken} of the request: ${reason}`
    this.count += count
  }

  /** Reports what was left out of an item that is stored: the message of a partial success that rejects nothing. */
  warn(taken: number, reason: string): void {
    if (this.reason === '') this.reason = `${this.#what} ${taken} of the request: ${reason}`
  }
}

/**
 * Why what threw `error` can't be stored.
 *
 * @throws `error` itself when the bytes are invalid, so that nothing behind them can be trusted either
 */
export function explainRejection(error: unknown): string {
  if (error instanceof OtlpError && ITEM_ERRORS.has(error.code)) return error.message
  throw error
}

const ITEM_ERRORS: ReadonlySet<OtlpError['code']> = new Set(['too-deep', 'over-limit', 'bad-field', 'too-large'])
