import type { SearchedRange } from '@spanlink/api-schema'

/** How far a search scanned, from newest to oldest. */
export type Scanned = {
  /** Start position of the cursor. */
  readonly from?: bigint | undefined
  /** The oldest scanned time, unless the whole range was scanned. */
  readonly until?: bigint | undefined
  /** Another limit made the result partial. */
  readonly isCut?: boolean
}

/** `[start, end)`, in Unix nanoseconds. */
type RequestedRange = {
  readonly start: bigint
  readonly end: bigint
  /** No end was requested: one in the future allows for clock skew, and is returned as now. */
  readonly hasDefaultEnd: boolean
}

export function toSearchedRange(range: RequestedRange, { from, until, isCut = false }: Scanned = {}): SearchedRange {
  const end = from !== undefined && from < range.end ? from + 1n : range.end
  const now = BigInt(Date.now()) * 1_000_000n
  const shown = range.hasDefaultEnd && end > now && range.start < now ? now : end
  const start = until === undefined || until < range.start ? range.start : until
  return {
    searched: { start: String(start < shown ? start : shown), end: String(shown) },
    complete: until === undefined && !isCut,
  }
}
