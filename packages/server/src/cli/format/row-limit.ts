import { countParser } from '../parsers.ts'

/** Rows that a person still scrolls through. */
export const MAX_TERMINAL_ROWS = 500

/** Parser of `--limit`. */
export const rowLimitParser = countParser(1_000_000)

/** Pipes and files get all rows: their readers can't load more. */
export function selectRowLimit(
  limit: number | undefined,
  all: boolean | undefined,
  stdout: { readonly isTTY?: boolean },
): number {
  return limit ?? (all === true || stdout.isTTY !== true ? Infinity : MAX_TERMINAL_ROWS)
}
