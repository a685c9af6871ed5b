import type { Field } from '../syntax/ast.ts'
import { executeQuery } from '../execute/execute-query.ts'
import { filterByWindow } from '../sql/from.ts'
import { createParams } from '../sql/params.ts'
import type { Scanned } from '../../query/sql/searched-range.ts'
import type { Search, SearchRange, Window } from '../execute/search.ts'
import { MINUTE_NANO } from '../../query/sql/time-window.ts'

export type NamesOptions = SearchRange & {
  /** Of names; case does not matter. @default '' */
  readonly prefix?: string
  /** Only those of spans that this matches. */
  readonly condition?: Field | undefined
  /** @default 100 */
  readonly limit?: number
  /** @default 250_000 */
  readonly maxSpans?: number
}

/** Spans read for names: enough to find a name that one span in 10,000 has. */
const MAX_SPANS = 250_000

export type NameList<Found> = { readonly found: readonly Found[]; readonly scanned: Scanned }

/**
 * Reads names of the newest `maxSpans` spans, or of some more that start in the same moment. Spans
 * are the limit, not time, so that the same data has the same names.
 */
export async function scanNewestFirst<Found>(
  search: Search,
  read: (window: Window) => Promise<readonly Found[]>,
  { limit = 100, maxSpans = MAX_SPANS }: NamesOptions,
): Promise<NameList<Found>> {
  const start = await findStart(search, maxSpans)
  const found = await read({ start, end: search.window.end })
  const until = start === search.window.start ? undefined : start
  return { found, scanned: { until, isCut: found.length >= limit } }
}

/** Start of the newest part of the window that has `maxSpans` spans. */
async function findStart({ window: { start, end }, ...search }: Search, maxSpans: number): Promise<bigint> {
  const now = BigInt(Date.now()) * 1_000_000n
  const anchor = end < now ? end : now
  for (let reach = 40n * MINUTE_NANO; ; reach *= 8n) {
    // The whole rest at once if it is less than three windows.
    const from = anchor - 3n * reach > start ? anchor - reach : start
    const found = await findStartAfter({ ...search, window: { start: from, end } }, maxSpans)
    if (found !== undefined || from === start) return found ?? start
  }
}

/** Moments per window. */
const SLOTS = 1_000n

/** Undefined if the whole window has at most `maxSpans` spans. */
async function findStartAfter(search: Search, maxSpans: number): Promise<bigint | undefined> {
  const { start, end } = search.window
  const params = createParams()
  const slot = params.add('UInt64', String((end - start) / SLOTS + 1n))
  const [row] = await executeQuery<{ first: string | null }>(
    search,
    `select max(slot) * ${slot} as first from (
      select intDiv(s.start, ${slot}) as slot, sum(count()) over (order by slot desc) as total
      from spans as s where ${filterByWindow('s', start, end, params)} group by slot)
    where total > ${params.add('UInt64', maxSpans)} having count() > 0`,
    params,
  )
  if (typeof row?.first !== 'string') return undefined
  const first = BigInt(row.first)
  return first > start ? first : start
}
