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
 * Reads the newest ten minutes, then further back, until there are enough names or a window has
 * more than `maxSpans`: of that one, the traces with the lowest ids. Spans are the limit, not time,
 * so that the same data has the same names.
 */
export async function scanNewestFirst<Found>(
  search: Search,
  read: (window: Window) => Promise<readonly Found[]>,
  { limit = 100, maxSpans = MAX_SPANS }: NamesOptions,
): Promise<NameList<Found>> {
  const { start, end } = search.window
  const now = BigInt(Date.now()) * 1_000_000n
  const anchor = end < now ? end : now
  for (let reach = 10n * MINUTE_NANO; ; reach *= 8n) {
    const from = anchor - reach > start ? anchor - reach : start
    const window = { start: from, end }
    const maxTraceId = await findTraceIdAt(search, window, maxSpans)
    const found = await read({ ...window, maxTraceId })
    if (maxTraceId !== undefined) return { found, scanned: { until: from, isCut: true } }
    if (found.length >= limit) return { found, scanned: { until: from } }
    if (from === start) return { found, scanned: {} }
  }
}

/**
 * Trace id of the span with index `place` in trace id order; `undefined` when a window has fewer.
 */
async function findTraceIdAt(search: Search, { start, end }: Window, offset: number): Promise<string | undefined> {
  const params = createParams()
  const [row] = await executeQuery<{ id: string }>(
    search,
    `select lower(hex(s.trace_id)) as id from spans as s where ${filterByWindow('s', start, end, params)}
    order by s.trace_id limit 1 offset ${params.add('UInt32', offset)}
    settings max_bytes_before_remerge_sort = 16777216`,
    params,
  )
  return row?.id
}
