import type { LinksQuery } from '@spanlink/api-schema'
import { isTooHeavy } from '../../clickhouse/store-error.ts'
import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import { fetchTraceRows, type TraceRowsRequest } from '../trace-rows/fetch-trace-rows.ts'
import { spanHead } from '../trace-rows/head-sql.ts'
import type { SpanRow } from '../trace-rows/trace-row.ts'
import {
  compareKeys,
  linkCursor,
  type LinkKey,
  type LinkRow,
  sortLinks,
  toIncomingLink,
  toOutgoingLinks,
} from './link-row.ts'
import { countLinks, fetchLinksAfter, isTraceStored, type LinksRequest, type Rows } from './many-links.ts'

export type LinkPage = {
  readonly rows: readonly LinkRow[]
  /** Of all pages; `undefined` if there are no links and the trace isn't stored. */
  readonly total: number | undefined
  readonly nextCursor: string | undefined
} & OwnSpans

/** Spans that were read with the links, of the trace or the span that was requested. */
export type OwnSpans = { readonly spans: readonly SpanRow[]; readonly isWhole: boolean }

/** Fetches one page of the links of a trace or of one of its spans, each link once. */
export async function fetchLinkPage(
  store: Store,
  request: LinksRequest,
  { cursor, limit = DEFAULT_LIMIT }: Pick<LinksQuery, 'cursor' | 'limit'>,
  options: QueryOptions,
): Promise<LinkPage> {
  const after = cursor === undefined ? undefined : linkCursor.decode(cursor)
  const few = await fetchAllIfFew(store, request, options)
  const [{ rows, hasMore }, total] = await Promise.all([
    few === undefined ? fetchLinksAfter(store, request, after, limit, options) : selectAfter(few.links, after, limit),
    few?.links.length || countLinks(store, request, options),
  ])
  const last = rows.at(-1)
  return {
    rows,
    total: total > 0 || few?.spans.length || (await isTraceStored(store, request, options)) ? total : undefined,
    nextCursor: hasMore && last !== undefined ? linkCursor.encode(last) : undefined,
    ...(few ?? { spans: [], isWhole: false }),
  }
}

const DEFAULT_LIMIT = 100

type FewLinks = { readonly links: readonly LinkRow[] } & OwnSpans

/** Fetches all links in order, each once. `undefined` if they are too many or too large. */
async function fetchAllIfFew(
  store: Store,
  { traceId, spanId, direction }: LinksRequest,
  options: QueryOptions,
): Promise<FewLinks | undefined> {
  // Incoming links end at spans of the trace: one statement reads both, unless they are many.
  const attempts = { in: [ALL, BACKLINKS], both: [ALL, LINKS], out: [OUTGOING] }[direction]
  for (const attempt of spanId === undefined ? attempts : attempts.slice(0, 1)) {
    const ids = { traceIds: [traceId], ...(spanId === undefined ? {} : { spanIds: [spanId] }) }
    const found = await fetchRowsIfFew(store, { ...ids, ...attempt }, options)
    if (found === undefined) continue
    const { spans, backlinks } = found
    const outgoing = direction === 'in' ? [] : spans.flatMap(toOutgoingLinks)
    const incoming = direction === 'out' ? [] : backlinks.map(toIncomingLink)
    return { links: sortLinks([...outgoing, ...incoming]), spans, isWhole: attempt === ALL }
  }
  return undefined
}

type Attempt = Pick<TraceRowsRequest, 'type' | 'rest'>
const ALL: Attempt = {}
const BACKLINKS: Attempt = { type: 'backlink' }
const LINKS: Attempt = { rest: `and (type = 'backlink' or ${spanHead.linkCount} > 0)` }
const OUTGOING: Attempt = { type: 'span', rest: `and ${spanHead.linkCount} > 0` }

const MAX_FEW_ROWS = 512
const MAX_FEW_BYTES = 4 * 1024 * 1024

async function fetchRowsIfFew(
  store: Store,
  request: TraceRowsRequest,
  options: QueryOptions,
): Promise<Awaited<ReturnType<typeof fetchTraceRows>> | undefined> {
  const limited = {
    ...request,
    rest: `${request.rest ?? ''} limit ${MAX_FEW_ROWS + 1}`,
    settings: `, max_result_bytes = ${MAX_FEW_BYTES}`,
  }
  try {
    const found = await fetchTraceRows(store, limited, options)
    return found.spans.length + found.backlinks.length + found.damaged > MAX_FEW_ROWS ? undefined : found
  } catch (error) {
    if (isTooHeavy(error)) return undefined
    throw error
  }
}

function selectAfter(links: readonly LinkRow[], after: LinkKey | undefined, limit: number): Rows {
  const rest = after === undefined ? links : links.filter((link) => compareKeys(link, after) > 0)
  return { rows: rest.slice(0, limit), hasMore: rest.length > limit }
}
