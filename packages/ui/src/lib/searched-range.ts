import type { MessagesResponse, SearchedRange } from '@spanlink/api-schema'
import { formatAge, formatTime, toMillis } from './format/time.ts'

/** The time range that all pages of a list searched together, newest page first. */
export function searchedBy(pages: readonly [SearchedRange, ...SearchedRange[]]): SearchedRange {
  const [first] = pages
  const last = pages.at(-1) ?? first
  const searched = { start: last.searched.start, end: first.searched.end }
  if (pages.some((page) => page.missingParts)) return { searched, complete: false, missingParts: true }
  return { searched, complete: last.complete }
}

/** The reason why an incomplete list may lack rows. */
export function describeIncompleteSearch({ missingParts }: SearchedRange, what: string): string {
  return missingParts ? describeMissingParts(what) : `Older ${what} have not been searched yet.`
}

export function describeMissingParts(what: string): string {
  return `Parts of the stored data cannot be read: ${what} may be missing. See the server log.`
}

const MINUTE = 60_000_000_000n

const SECOND = 1_000_000_000n

/**
 * `12:00 to 12:40`, with dates if they differ and seconds for a range of few minutes. `all time`
 * without a start. Adds `(up to 30 s ago)` if the range ends before `requestedEnd`, because newer
 * items are not included yet.
 */
export function formatSearchedRange({ start, end }: SearchedRange['searched'], requestedEnd = end): string {
  const age = formatAge(toMillis(end), toMillis(requestedEnd))
  const upTo = BigInt(requestedEnd) - BigInt(end) < SECOND ? '' : ` (up to ${age})`
  if (start === '0') return `all time${upTo}`
  const [from, to] = [formatTime(start), formatTime(end)]
  const isOneDay = from.slice(0, 10) === to.slice(0, 10)
  const digits = BigInt(end) - BigInt(start) < 5n * MINUTE ? 19 : 16
  return `${from.slice(isOneDay ? 11 : 0, digits)} to ${to.slice(isOneDay ? 11 : 0, digits)}${upTo}`
}

export type Counts = Pick<MessagesResponse, 'counts' | 'stepNano' | 'searched'>

/** The counts of all pages; each page counts the time that the pages before it did not search. */
export function mergeCounts(pages: readonly [Counts, ...Counts[]]): MessagesResponse['counts'] {
  const [first, ...older] = pages
  const counts = new Map(first.counts.map(({ startTimeUnixNano, count }) => [startTimeUnixNano, count]))
  let searchedTo = BigInt(first.searched.start)
  for (const { counts: more, stepNano, searched } of older) {
    for (const { startTimeUnixNano, count } of more) {
      const start = BigInt(startTimeUnixNano)
      const end = start + BigInt(stepNano)
      if (start >= searchedTo || !counts.has(startTimeUnixNano)) continue
      // Counts of a bucket split between two pages are added, unless the later page searched all of
      // it.
      const isWhole = end <= searchedTo || BigInt(searched.end) >= end
      counts.set(startTimeUnixNano, isWhole ? count : (counts.get(startTimeUnixNano) ?? 0) + count)
    }
    searchedTo = BigInt(searched.start)
  }
  return first.counts.map(({ startTimeUnixNano }) => ({
    startTimeUnixNano,
    count: counts.get(startTimeUnixNano) ?? 0,
  }))
}

export function visiblePart(
  { stepNano, endTimeUnixNano }: Pick<MessagesResponse, 'stepNano' | 'endTimeUnixNano'>,
  startTimeUnixNano: string,
  searched: SearchedRange['searched'],
) {
  const step = BigInt(stepNano)
  const start = BigInt(startTimeUnixNano)
  const end = start + step < BigInt(endTimeUnixNano) ? start + step : BigInt(endTimeUnixNano)
  const from = start > BigInt(searched.start) ? start : BigInt(searched.start)
  const to = end < BigInt(searched.end) ? end : BigInt(searched.end)
  const length = to > from ? to - from : 0n
  return {
    /** Share of the whole bucket that lies in the range. */
    share: Number(end - start) / Number(step),
    lengthNano: String(length),
    /** Cut by the end of the requested or searched range: its count covers less time. */
    isPartial: length > 0n && length < step,
    isSearched: length > 0n,
  }
}
