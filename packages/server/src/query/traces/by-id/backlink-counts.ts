import type { QueryOptions, Store } from '../../../clickhouse/store.ts'
import { compileLinkCount } from '../../links/link-count.ts'
import type { BacklinkHead } from '../../trace-rows/backlink-row.ts'
import { backlinkHead, identityHash } from '../../trace-rows/head-sql.ts'

/** Number of links to each span id. A link of a span that was sent twice counts once. */
export function countBacklinks(backlinks: readonly BacklinkHead[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  const counted = new Set<string>()
  for (const { spanId, linkingTraceId, linkingSpanId, kind, service, ordinal } of backlinks) {
    const link = `${spanId}${linkingTraceId}${linkingSpanId} ${ordinal} ${kind} ${service}`
    if (counted.has(link)) continue
    counted.add(link)
    counts.set(spanId, (counts.get(spanId) ?? 0) + 1)
  }
  return counts
}

/** More linked spans than a skeleton has. */
const MAX_COUNTS = 400_000

/**
 * The same by a statement, for more links than fit into a result.
 *
 * @param spanId '' for all spans of the trace
 */
export async function queryBacklinkCounts(
  store: Store,
  { traceId, spanId }: { readonly traceId: string; readonly spanId: string },
  options: QueryOptions,
): Promise<ReadonlyMap<string, number>> {
  const rows = await store.query<{ id: string; links: number }>(
    `select lower(hex(span_id)) as id, toUInt32(${compileLinkCount(`${backlinkHead.linkingSpan}, ${backlinkHead.ordinal}, ${identityHash}`)}) as links
    from trace_rows
    where trace_id = unhex({traceId:String}) and type = 'backlink' and ({spanId:String} = '' or span_id = unhex({spanId:String}))
    group by span_id
    limit ${MAX_COUNTS}
    settings max_rows_to_group_by = ${MAX_COUNTS}, group_by_overflow_mode = 'any'`,
    { traceId, spanId },
    options,
  )
  return new Map(rows.map(({ id, links }) => [id, links]))
}
