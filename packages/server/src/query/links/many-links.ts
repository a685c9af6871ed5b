import type { LinksQuery } from '@spanlink/api-schema'
import type { QueryOptions, QueryParams, Store } from '../../clickhouse/store.ts'
import { FEW_GRANULES_SETTINGS } from '../sql/span-bucket.ts'
import { fetchInHalves, RESULT_SETTINGS } from '../trace-rows/fetch-in-halves.ts'
import { fetchTraceRows } from '../trace-rows/fetch-trace-rows.ts'
import { backlinkHead, identityHash, spanHead } from '../trace-rows/head-sql.ts'
import type { SpanRow } from '../trace-rows/trace-row.ts'
import { compareKeys, type LinkKey, type LinkRow, sortLinks, toIncomingLink, toOutgoingLinks } from './link-row.ts'
import { compileLinkCount } from './link-count.ts'

export type LinksRequest = {
  readonly traceId: string
  /** Of one span. @default all of the trace */
  readonly spanId: string | undefined
  readonly direction: NonNullable<LinksQuery['direction']>
}

export type Rows = { readonly rows: readonly LinkRow[]; readonly hasMore: boolean }

/** Fetches a page of thousands or millions of links, in bounded memory. */
export async function fetchLinksAfter(
  store: Store,
  request: LinksRequest,
  after: LinkKey | undefined,
  limit: number,
  options: QueryOptions,
): Promise<Rows> {
  const isOutDone = request.direction === 'in' || after?.direction === 'in'
  const out = isOutDone ? NO_ROWS : await fetchOutgoing(store, request, after, limit, options)
  if (request.direction === 'out' || out.hasMore) return out
  const rest = limit - out.rows.length
  const incoming = await fetchIncoming(store, request, isOutDone ? after : undefined, rest, options)
  return { rows: [...out.rows, ...incoming.rows], hasMore: incoming.hasMore }
}

const NO_ROWS: Rows = { rows: [], hasMore: false }

/** Rows of spans or backlinks that one page reads, even if a span was sent thousands of times. */
const MAX_KEYS = 20_000

/**
 * SQL: ends a statement that sorts millions of rows and keeps the first ones. With the defaults,
 * ClickHouse holds 1 GB before it drops the others, or all rows if it reads in table order.
 */
const LOW_MEMORY_SETTINGS =
  'settings max_threads = 1, max_bytes_before_remerge_sort = 16777216, optimize_read_in_order = 0'

/** Finds the spans that have the next links, then reads these. */
async function fetchOutgoing(
  store: Store,
  request: LinksRequest,
  after: LinkKey | undefined,
  limit: number,
  options: QueryOptions,
): Promise<Rows> {
  const linkingSpans = await store.query<{ readonly spanId: string; readonly links: number; readonly read: string }>(
    `select lower(hex(span_id)) as spanId, links, count() over () as read
    from (
      select span_id, ${spanHead.start} as start, ${identityHash} as identity, ${spanHead.linkCount} as links
      from trace_rows
      where ${filterRows(request)} and type = 'span' and ${spanHead.linkCount} > 0
        ${after === undefined ? '' : 'and (start, span_id) >= ({start:UInt64}, unhex({afterSpan:String}))'}
      order by start, span_id, identity
      limit ${MAX_KEYS})
    order by start, span_id, identity
    limit 1 by span_id, identity
    ${LOW_MEMORY_SETTINGS}`,
    { ...toParams(request), ...(after && { start: String(after.start), afterSpan: after.spanId }) },
    options,
  )
  const spanIds = new Set<string>()
  let links = 0
  let hasMore = Number(linkingSpans[0]?.read ?? 0) === MAX_KEYS
  for (const span of linkingSpans) {
    if (links > limit && !spanIds.has(span.spanId)) {
      hasMore = true
      break
    }
    spanIds.add(span.spanId)
    // Of the span that the previous page ended with, an unknown number of links is left.
    if (span.spanId !== after?.spanId) links += span.links
  }
  const spans = await fetchSpans(store, request.traceId, [...spanIds], options)
  const rows = sortLinks(spans.flatMap(toOutgoingLinks)).filter(
    (row) => after === undefined || compareKeys(row, after) > 0,
  )
  return { rows: rows.slice(0, limit), hasMore: hasMore || rows.length > limit }
}

/**
 * Fetches spans of megabytes each. ClickHouse estimates the rows of a block from the average of a
 * part, in which thousands of small backlinks hide 64 such spans: it read them all at once.
 */
async function fetchSpans(
  store: Store,
  traceId: string,
  spanIds: readonly string[],
  options: QueryOptions,
): Promise<SpanRow[]> {
  const found: SpanRow[] = []
  const fetch = async (some: readonly string[], limits: string): Promise<void> => {
    const settings = `${ONE_GRANULE_SETTINGS}${limits}`
    const { spans } = await fetchTraceRows(
      store,
      { traceIds: [traceId], type: 'span', spanIds: some, settings },
      options,
    )
    for (const span of spans) found.push(span)
  }
  await fetchInHalves(
    spanIds,
    (some) => fetch(some, RESULT_SETTINGS),
    (one) => fetch([one], ''),
  )
  return found
}

/**
 * Of compact parts, ClickHouse reads whole granules: with this setting, one at a time, which has
 * 16 MB of such spans after a merge. It takes no longer, even for 1,000 small spans of 100,000.
 */
const ONE_GRANULE_SETTINGS = ', max_block_size = 1'

/** Sorts narrow keys, as there may be millions, then reads the rows between two of them. */
async function fetchIncoming(
  store: Store,
  request: LinksRequest,
  after: LinkKey | undefined,
  limit: number,
  options: QueryOptions,
): Promise<Rows> {
  const { traceId, spanId } = request
  const keys = await store.query<Omit<LinkKey, 'direction'> & { readonly read: string }>(
    `select start, lower(hex(span_id)) as spanId, lower(hex(substring(peer, 1, 16))) as peerTraceId,
      lower(hex(substring(peer, 17))) as peerSpanId, ordinal, identity, read
    from (
      select *, count() over () as read
      from (
        select ${backlinkHead.start} as start, span_id, ${backlinkHead.linkingSpan} as peer, ${backlinkHead.ordinal} as ordinal,
          ${identityHash} as identity
        from trace_rows
        where ${filterRows(request)} and type = 'backlink' ${after === undefined ? '' : `and ${sortKey} > ${compileSortKey('after')}`}
        order by start, span_id, peer, ordinal, identity
        limit ${MAX_KEYS}))
    order by start, span_id, peer, ordinal, identity
    limit 1 by span_id, peer, ordinal, identity
    limit {rows:UInt32}
    ${LOW_MEMORY_SETTINGS}`,
    { ...toParams(request), ...(after && toSortKeyParams('after', after)), rows: limit + 1 },
    options,
  )
  const [first, last] = [keys[0], keys[Math.min(keys.length, limit) - 1]]
  if (first === undefined || last === undefined) return { rows: [], hasMore: first !== undefined }
  const { backlinks } = await fetchTraceRows(
    store,
    {
      traceIds: [traceId],
      ...(spanId === undefined ? {} : { spanIds: [spanId] }),
      type: 'backlink',
      rest: `and ${sortKey} >= ${compileSortKey('first')} and ${sortKey} <= ${compileSortKey('last')} limit 1 by ${sortKey}`,
      params: { ...toSortKeyParams('first', first), ...toSortKeyParams('last', last) },
    },
    options,
  )
  const hasMore = keys.length > limit || Number(first.read) === MAX_KEYS
  return { rows: sortLinks(backlinks.map(toIncomingLink)), hasMore }
}

/** SQL: the order of `compareKeys` for incoming links. */
const sortKey = `(${backlinkHead.start}, span_id, ${backlinkHead.linkingSpan}, ${backlinkHead.ordinal}, ${identityHash})`

/** SQL: the sort key in the parameters that `toSortKeyParams` creates for this name. */
function compileSortKey(name: string): string {
  return `({${name}_start:UInt64}, unhex({${name}_spanId:String}), unhex({${name}_peer:String}), {${name}_ordinal:UInt32}, {${name}_identity:UInt32})`
}

function toSortKeyParams(name: string, key: Omit<LinkKey, 'direction'>): QueryParams {
  return {
    [`${name}_start`]: String(key.start),
    [`${name}_spanId`]: key.spanId,
    [`${name}_peer`]: key.peerTraceId + key.peerSpanId,
    [`${name}_ordinal`]: key.ordinal,
    [`${name}_identity`]: String(key.identity),
  }
}

/** Counts links, each once; an estimate beyond `MAX_EXACT_COUNT`. */
export async function countLinks(store: Store, request: LinksRequest, options: QueryOptions): Promise<number> {
  const counted = { in: "type = 'backlink'", out: "type = 'span'", both: '1' }[request.direction]
  const [row] = await store.query<{ readonly total: string }>(
    `select ${compileLinkCount('type, span_id, peer, identity, ordinal')} as total
    from (
      select type, span_id, if(type = 'span', '', ${backlinkHead.linkingSpan}) as peer,
        ${identityHash} as identity,
        arrayJoin(if(type = 'span', range(${spanHead.linkCount}), [${backlinkHead.ordinal}])) as ordinal
      from trace_rows
      where ${filterRows(request)} and ${counted})
    ${FEW_GRANULES_SETTINGS}`,
    toParams(request),
    options,
  )
  return Number(row?.total ?? 0)
}

export async function isTraceStored(store: Store, { traceId }: LinksRequest, options: QueryOptions): Promise<boolean> {
  const rows = await store.query(
    `select 1 from trace_rows where trace_id = unhex({traceId:String}) and type = 'span' limit 1 ${FEW_GRANULES_SETTINGS}`,
    { traceId },
    options,
  )
  return rows.length > 0
}

/** SQL: rows of the trace or span, in the parameters of `toParams`. */
function filterRows({ spanId }: LinksRequest): string {
  return `trace_id = unhex({traceId:String}) ${spanId === undefined ? '' : 'and span_id = unhex({spanId:String})'}`
}

function toParams({ traceId, spanId }: LinksRequest): QueryParams {
  return { traceId, ...(spanId === undefined ? {} : { spanId }) }
}
