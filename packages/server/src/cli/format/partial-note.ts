import type { SearchedRange } from '@spanlink/api-schema'
import { formatTime } from './terminal.ts'

export const UNREADABLE_NOTE = 'some stored data is unreadable; see the log of the server'

/** For a range that was not searched to its end. */
export function formatPartialNote({ searched: { start, end }, missingParts }: SearchedRange): string {
  if (missingParts) return `partial: ${UNREADABLE_NOTE}`
  return `partial: searched ${start === '0' ? 'the beginning' : formatTime(start)} to ${formatTime(end)}`
}
