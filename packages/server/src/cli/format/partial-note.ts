import type { SearchedRange } from '@spanlink/api-schema'
import { clock } from './terminal.ts'

/** Printed instead of "none" or "all", where not all of the range was searched. */
export function partialNote({ searched: { start, end }, missingParts }: SearchedRange): string {
  if (missingParts) return 'partial: parts of the stored data cannot be read; see the log of the server'
  return `partial: searched ${start === '0' ? 'the beginning' : clock(start)} to ${clock(end)}`
}
