import type { Store } from '../../clickhouse/store.ts'

/** Unix nanoseconds; spans that start in `[start, end)`. */
export type Window = {
  readonly start: bigint
  readonly end: bigint
  /** In hex: only spans of traces up to it. */
  readonly maxTraceId?: string | undefined
}

/** One answer in the making: what it may still cost, and what it left out. */
export type Search = {
  readonly store: Store
  readonly window: Window
  readonly signal: AbortSignal | undefined
  /** `performance.now()` when it must be done. */
  readonly deadline: number
  /** What was cut off, in words with a suggestion; empty when the answer is whole. */
  readonly warnings: Set<string>
  /** Set where older spans of the window were not looked at. */
  scannedUntil?: bigint
}
