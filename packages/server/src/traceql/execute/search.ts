import type { Store } from '../../clickhouse/store.ts'

/** Options of every search. */
export type SearchRange = {
  /** Unix nanoseconds; spans that start in `[start, end)`. */
  readonly start: bigint
  readonly end: bigint
  readonly signal?: AbortSignal
  /** @default 10_000 */
  readonly timeoutMs?: number
}

export type Window = Pick<SearchRange, 'start' | 'end'>

/** Where to search: in a time window, among some traces, or both. */
export type Scope = { readonly window: Window | undefined; readonly within: readonly string[] | undefined }

/** State of one running search: its limits and warnings. */
export type Search = {
  readonly store: Store
  readonly window: Window
  readonly signal: AbortSignal | undefined
  /** Deadline on the clock of `performance.now()`. */
  readonly deadline: number
  /** Missing parts of the result and what to do; empty when it is complete. */
  readonly warnings: Set<string>
  /** Set when older spans of the window were not searched. */
  scannedUntil?: bigint
}
