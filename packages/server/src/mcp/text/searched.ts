import type { SearchedRange } from '@spanlink/api-schema'
import { formatTime } from './format.ts'

/**
 * The range that a list covers, and whether it is partial.
 *
 * @param isFull the list has as many items as requested, and more match
 */
export function formatSearched(
  { searched: { start, end }, complete, missingParts }: SearchedRange,
  isFull = false,
): string {
  const range = `Searched ${start === '0' ? 'the beginning' : formatTime(start)} to ${formatTime(end)}`
  if (missingParts) return `${range}. PARTIAL: some stored data is unreadable; the server's log has the cause.`
  if (isFull) return `${range}: more match. Narrow the filters or the range, or raise limit.`
  if (!complete) return `${range}. PARTIAL: a limit was reached, so the rest of the requested range is unknown.`
  return `${range}, completely.`
}
