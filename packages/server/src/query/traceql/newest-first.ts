import type { Field } from './ast.ts'
import { TraceQLError } from './errors.ts'
import type { Scanned } from '../searched-range.ts'
import type { Search, Window } from './search.ts'

export type NamesOptions = {
  /** Unix nanoseconds; spans that start in `[start, end)`. */
  readonly start: bigint
  readonly end: bigint
  /** Names that begin so, in any case. @default '' */
  readonly prefix?: string
  /** Only those of spans that this holds for (see narrowing.ts). */
  readonly narrowing?: Field | undefined
  /** @default 100 */
  readonly limit?: number
  readonly signal?: AbortSignal
  /** What is found by then is the answer. @default 1_000 */
  readonly timeoutMs?: number
}

/** Rows looked at for names: enough to see what one span in ten thousand has. */
export const sampled = 50_000

const minute = 60_000_000_000n

export type Names<Found> = { readonly found: readonly Found[]; readonly scanned: Scanned }

/**
 * Reads the newest ten minutes, then an hour, then further back, until there is enough or the time is up: then what
 * was found last is returned, as incomplete.
 *
 * @param isSampled whether a window holds more rows than were read of it
 */
export async function newestFirst<Found>(
  search: Search,
  read: (window: Window) => Promise<readonly Found[]>,
  isSampled: (window: Window) => Promise<boolean>,
  limit: number,
): Promise<Names<Found>> {
  const { start, end } = search.window
  const now = BigInt(Date.now()) * 1_000_000n
  const anchor = end < now ? end : now
  let names: Names<Found> = { found: [], scanned: { until: end } }
  for (let reach = 10n * minute; ; reach *= 8n) {
    const from = anchor - reach > start ? anchor - reach : start
    try {
      const found = await read({ start: from, end })
      names = { found, scanned: { until: from } }
      if (found.length >= limit) return names
      if (from === start) return { found, scanned: { isCut: await isSampled({ start, end }) } }
    } catch (error) {
      if (error instanceof TraceQLError && error.code === 'limit') return names
      throw error
    }
  }
}
