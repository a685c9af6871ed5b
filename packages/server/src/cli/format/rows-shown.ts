import { type ClientArgs, countOf } from '../client-options.ts'

/** Rows that a person in front of a terminal still scrolls through. */
export const ROWS_SHOWN = 500

/**
 * `--limit`, else all where `--all` says so or something else than a terminal reads: it can't ask
 * for more.
 */
export function rowsShown(options: ClientArgs, stdout: { readonly isTTY?: boolean }): number {
  const said = countOf('--limit', options.text('limit'), 1_000_000)
  return said ?? (options.isSet('all') || stdout.isTTY !== true ? Infinity : ROWS_SHOWN)
}
