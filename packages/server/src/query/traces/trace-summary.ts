import type { TraceSummary } from '@spanlink/api-schema'
import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import { compileLinkCount } from '../links/link-count.ts'
import { filterByTraces, selectTraceIds } from '../sql/span-bucket.ts'
import { spanIdentity } from './span-parents.ts'
import type { SpanFilter } from './span-filter.ts'

export type MatchedSummary = {
  readonly summary: TraceSummary
  /** Start of the newest span of the trace that satisfies the filter; 0 when none does. */
  readonly newestMatch: bigint
}

/**
 * Fetches summaries of traces by id, in two reads by key for any number of ids. Duplicates of a
 * span count once.
 */
export async function fetchSummaries(
  store: Store,
  traceIds: readonly string[],
  filter: SpanFilter,
  options: QueryOptions,
): Promise<ReadonlyMap<string, MatchedSummary>> {
  const [perService, links] = await Promise.all([
    fetchServiceRows(store, traceIds, filter, options),
    store.query<LinkCountRow>(
      `select lower(hex(trace_id)) as traceId, direction,
        ${compileLinkCount(`${spanIdentity}, peer_trace_id, peer_span_id, ordinal`)} as links
      from span_links where trace_id in (${selectTraceIds('traceIds')}) and peer_trace_id != trace_id
      group by trace_id, direction`,
      { traceIds },
      options,
    ),
  ])
  const linkCounts = new Map(links.map((row) => [row.traceId + row.direction, Number(row.links)]))
  const byTrace = Map.groupBy(perService, (row) => row.traceId)
  return new Map(
    Array.from(byTrace, ([traceId, rows]) => [traceId, mergeServiceRows(traceId, rows, linkCounts)] as const),
  )
}

type LinkCountRow = { readonly traceId: string; readonly direction: 'out' | 'in'; readonly links: string }

type ServiceRow = {
  readonly traceId: string
  readonly service: string
  readonly spanCount: string
  readonly errorCount: string
  readonly firstStart: string
  readonly firstName: string
  readonly lastFinish: string
  readonly roots: string
  readonly rootStart: string
  readonly rootName: string
  readonly newestMatch: string
}

function fetchServiceRows(
  store: Store,
  traceIds: readonly string[],
  filter: SpanFilter,
  options: QueryOptions,
): Promise<ServiceRow[]> {
  const matches = ['start between {filterFrom:UInt64} and {filterTo:UInt64}', ...filter.conditions].join(' and ')
  const isRoot = "parent_span_id = toFixedString('', 8)"
  return store.query<ServiceRow>(
    `select lower(hex(trace_id)) as traceId, service, count() as spanCount, countIf(status = 'error') as errorCount,
      min(start) as firstStart, argMin(name, (start, span_id)) as firstName,
      max(greatest(start, toUInt64(start + duration))) as lastFinish,
      countIf(${isRoot}) as roots, minIf(start, ${isRoot}) as rootStart,
      argMinIf(name, (start, span_id), ${isRoot}) as rootName,
      maxIf(start, ${matches}) as newestMatch
    from (
      select trace_id, span_id, parent_span_id, start, duration, status, kind, service, name
      from spans
      where ${filterByTraces(selectTraceIds('traceIds'))}
      limit 1 by trace_id, ${spanIdentity})
    group by trace_id, service`,
    { traceIds, ...filter.params, filterFrom: String(filter.from), filterTo: String(filter.to) },
    options,
  )
}

function mergeServiceRows(
  traceId: string,
  rows: readonly ServiceRow[],
  linkCounts: ReadonlyMap<string, number>,
): MatchedSummary {
  const rooted = rows.filter((row) => Number(row.roots) > 0)
  const root = findEarliest(rooted, 'rootStart')
  const first = findEarliest(rows, 'firstStart')
  const start = BigInt(first?.firstStart ?? 0)
  return {
    summary: {
      traceId,
      rootService: (root ?? first)?.service ?? '',
      rootName: (root === undefined ? first?.firstName : root.rootName) ?? '',
      rootMissing: root === undefined,
      startTimeUnixNano: String(start),
      durationNano: String(findLargest(rows.map((row) => row.lastFinish)) - start),
      spanCount: sum(rows.map((row) => row.spanCount)),
      errorCount: sum(rows.map((row) => row.errorCount)),
      services: rows
        .map((row) => ({
          name: row.service,
          spanCount: Number(row.spanCount),
          errorCount: Number(row.errorCount),
        }))
        .sort((a, b) => b.spanCount - a.spanCount || (a.name < b.name ? -1 : 1)),
      linksOut: linkCounts.get(`${traceId}out`) ?? 0,
      linksIn: linkCounts.get(`${traceId}in`) ?? 0,
    },
    newestMatch: findLargest(rows.map((row) => row.newestMatch)),
  }
}

function findEarliest(rows: readonly ServiceRow[], by: 'rootStart' | 'firstStart'): ServiceRow | undefined {
  return rows.reduce<ServiceRow | undefined>(
    (best, row) => (best === undefined || BigInt(row[by]) < BigInt(best[by]) ? row : best),
    undefined,
  )
}

function findLargest(values: readonly string[]): bigint {
  return values.reduce((max, value) => (BigInt(value) > max ? BigInt(value) : max), 0n)
}

function sum(values: readonly string[]): number {
  return values.reduce((total, value) => total + Number(value), 0)
}
