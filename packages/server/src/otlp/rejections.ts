import { OtlpError } from './error.ts'
import { MAX_ITEM_BYTES, MAX_ITEMS, MAX_TABLE_BYTES } from './limits.ts'
import type { Source } from './wire/source.ts'

/** Reasons may contain values of the request, so every item could have a different one. */
const MAX_REASONS = 5

/** Counts the rejected items of a request, whose other items are stored. */
export class Rejections {
  count = 0
  readonly #what: string
  /** Number of items by reason, in order of first occurrence. */
  readonly #reasons = new Map<string, number>()
  /** Index of the first item with a reason. */
  #first = 0
  #otherReasons = 0
  /** Set once a table is full, so that further items are rejected without decoding. */
  #isFull = false

  /** @param what the name of an item, such as 'span' */
  constructor(what: string) {
    this.#what = what
  }

  /** Returns why an item of `bytes` bytes is rejected after `taken` accepted ones, or ''. */
  findExceeded(source: Source, taken: number, bytes: number): string {
    if (source.rejection !== '') return source.rejection
    if (this.#isFull) return `the request exceeds ${MAX_TABLE_BYTES / 1024 ** 2} MiB of rows`
    if (taken >= MAX_ITEMS) return this.describeItemLimit()
    return bytes > MAX_ITEM_BYTES ? `has ${bytes} bytes; the maximum is ${MAX_ITEM_BYTES}` : ''
  }

  /** Returns why items beyond `MAX_ITEMS` are rejected. */
  describeItemLimit(): string {
    return `a request may have at most ${MAX_ITEMS} ${this.#what}s`
  }

  /**
   * Returns the reason for rejecting the item whose decoding threw `error`.
   *
   * @throws `error` itself when the bytes are invalid, so that nothing after them can be trusted
   */
  fromError(error: unknown): string {
    const reason = explainRejection(error)
    if ((error as OtlpError).code === 'too-large') this.#isFull = true
    return reason
  }

  /** @param taken number of items of the request that were accepted before */
  add(taken: number, reason: string, count = 1): void {
    this.count += count
    this.#countReason(taken, reason, count)
  }

  /**
   * Reports parts dropped from an item that is stored, as a partial success message that rejects no
   * item.
   */
  warn(taken: number, reason: string): void {
    this.#countReason(taken, reason, 1)
  }

  /** Returns each distinct reason with its number of items, up to `MAX_REASONS`, or ''. */
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
 * Returns the message of an error that rejects one item.
 *
 * @throws `error` itself when the bytes are invalid, so that nothing after them can be trusted
 */
export function explainRejection(error: unknown): string {
  if (error instanceof OtlpError && ITEM_ERRORS.has(error.code)) return error.message
  throw error
}

const ITEM_ERRORS: ReadonlySet<OtlpError['code']> = new Set(['too-deep', 'over-limit', 'bad-field', 'too-large'])
