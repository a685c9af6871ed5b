import type { LinksQuery } from '@spanlink/api-schema'
import { isTooHeavy } from '../../clickhouse/store-error.ts'
import type { QueryOptions, QueryParams, Store } from '../../clickhouse/store.ts'
import { createCursorCodec } from '../sql/cursor.ts'
import { FEW_GRANULES_SETTINGS } from '../sql/span-bucket.ts'
import { compileLinkCount } from './link-count.ts'
import { linkedSpanColumns, type LinkedSpanRow } from './linked-span.ts'

export type LinkFilter = { readonly sql: string; readonly params: QueryParams & { readonly traceId: string } }

export type LinkPage = {
  readonly rows: readonly LinkRow[]
  /** Of all pages; `undefined` if there are no links and the trace isn't stored. */
  readonly total: number | undefined
  readonly nextCursor: string | undefined
}

/** Fetches one page of the links that the filter selects, each link once. */
export async function fetchLinkPage(
  store: Store,
  filter: LinkFilter,
  { cursor, limit = DEFAULT_LIMIT }: LinksQuery,
  options: QueryOptions,
): Promise<LinkPage> {
  const after = cursor === undefined ? undefined : linkCursorCodec.decode(cursor)
  const all = await fetchAllIfFew(store, filter, options)
  const [{ rows, hasMore }, total] = await Promise.all([
    all === undefined ? fetchRowsAfter(store, filter, after, limit, options) : selectRowsAfter(all, after, limit),
    all === undefined || all.length === 0 ? countLinks(store, filter, options) : all.length,
  ])
  const last = rows.at(-1)
  return { rows, total, nextCursor: hasMore && last !== undefined ? linkCursorCodec.encode(last) : undefined }
}

type Rows = { readonly rows: readonly LinkRow[]; readonly hasMore: boolean }

const DEFAULT_LIMIT = 100

/** Most traces have fewer links: one statement then finds the page and the total. */
const MAX_FEW_ROWS = 256
const MAX_FEW_BYTES = 4 * 1024 * 1024

/** Fetches all links in order, each once. `undefined` if they are too many or too large. */
async function fetchAllIfFew(
  store: Store,
  { sql, params }: LinkFilter,
  options: QueryOptions,
): Promise<readonly LinkRow[] | undefined> {
  try {
    const rows = await store.query<LinkRow>(
      `select ${linkColumns}
      from span_links
      prewhere ${sql}
      limit ${MAX_FEW_ROWS + 1}
      ${FEW_GRANULES_SETTINGS}, max_result_bytes = ${MAX_FEW_BYTES}`,
      params,
      options,
    )
    if (rows.length > MAX_FEW_ROWS) return undefined
    // A span that was sent again may have another start: the earliest counts.
    const latestFirst = rows.toSorted((a, b) => compareKeys(b, a))
    const byIdentity = new Map(latestFirst.map((row) => [toIdentity(row), row]))
    return [...byIdentity.values()].sort(compareKeys)
  } catch (error) {
    if (isTooHeavy(error)) return undefined
    throw error
  }
}

function selectRowsAfter(all: readonly LinkRow[], after: LinkKey | undefined, limit: number): Rows {
  const rest = after === undefined ? all : all.filter((row) => compareKeys(row, after) > 0)
  return { rows: rest.slice(0, limit), hasMore: rest.length > limit }
}

/** For thousands or millions of links. */
async function fetchRowsAfter(
  store: Store,
  filter: LinkFilter,
  after: LinkKey | undefined,
  limit: number,
  options: QueryOptions,
): Promise<Rows> {
  const where = after === undefined ? filter.sql : `${filter.sql} and ${sortKey} > ${compileSortKey('after')}`
  // Sorts narrow columns only, as there may be millions of links.
  const keys = await store.query<LinkKey & { readonly read: string }>(
    `select direction, toString(start) as start, lower(hex(span_id)) as spanId, lower(hex(peer_trace_id)) as peerTraceId,
      lower(hex(peer_span_id)) as peerSpanId, ordinal, toString(identity_hash) as identityHash, read
    from (
      select *, count() over () as read
      from (
        select direction, start, span_id, peer_trace_id, peer_span_id, ordinal, cityHash64(kind, service) as identity_hash
        from span_links
        where ${where}
        order by ${sortKey}
        limit ${MAX_KEYS}))
    order by direction, start, span_id, peer_trace_id, peer_span_id, ordinal, identity_hash
    limit 1 by direction, span_id, peer_trace_id, peer_span_id, ordinal, identity_hash
    limit {rows:UInt32}
    ${LOW_MEMORY_SETTINGS}`,
    { ...filter.params, ...(after && toSortKeyParams('after', after)), rows: limit + 1 },
    options,
  )
  const hasMore = keys.length > limit || Number(keys[0]?.read ?? 0) === MAX_KEYS
  return { rows: await fetchRows(store, filter, keys.slice(0, limit), options), hasMore }
}

/** Keys that one page reads. It bounds a page even if a span was sent thousands of times. */
const MAX_KEYS = 20_000

/**
 * SQL: ends a statement that sorts millions of rows and keeps the first ones. With the defaults,
 * ClickHouse holds 1 GB before it drops the others, or all rows of a direction if it reads in table
 * order.
 */
const LOW_MEMORY_SETTINGS =
  'settings max_threads = 1, max_bytes_before_remerge_sort = 16777216, optimize_read_in_order = 0'

/** Fetches all columns of the links with these keys, in their order. */
async function fetchRows(
  store: Store,
  { sql, params }: LinkFilter,
  keys: readonly LinkKey[],
  options: QueryOptions,
): Promise<LinkRow[]> {
  const [first, last] = [keys[0], keys.at(-1)]
  if (first === undefined || last === undefined) return []
  const rows = await store.query<LinkRow>(
    `select ${linkColumns}
    from span_links
    prewhere ${sql} and ${sortKey} >= ${compileSortKey('first')} and ${sortKey} <= ${compileSortKey('last')}
    limit 1 by ${sortKey}
    ${FEW_GRANULES_SETTINGS}`,
    { ...params, ...toSortKeyParams('first', first), ...toSortKeyParams('last', last) },
    options,
  )
  const rowByCursor = new Map(rows.map((row) => [linkCursorCodec.encode(row), row]))
  return keys.flatMap((key) => rowByCursor.get(linkCursorCodec.encode(key)) ?? [])
}

/** `undefined` when there are no links and the trace isn't stored. */
async function countLinks(
  store: Store,
  { sql, params }: LinkFilter,
  options: QueryOptions,
): Promise<number | undefined> {
  const [row] = await store.query<{ total: string; known: string }>(
    `select ${compileLinkCount('direction, span_id, peer_trace_id, peer_span_id, kind, service, ordinal')} as total,
      (select count() from traces where trace_id = toFixedString(unhex({traceId:String}), 16)) as known
    from span_links where ${sql}`,
    params,
    options,
  )
  const total = Number(row?.total ?? 0)
  return total === 0 && Number(row?.known ?? 0) === 0 ? undefined : total
}

/**
 * The sort key of a link. `identityHash` is a hash of the linking span's kind and service: it
 * separates spans that share an id.
 */
const keyFields = {
  direction: 'direction',
  start: 'uint64',
  spanId: 'spanId',
  peerTraceId: 'traceId',
  peerSpanId: 'spanId',
  ordinal: 'count',
  identityHash: 'uint64',
} as const

const linkCursorCodec = createCursorCodec('links1', keyFields)

type LinkKey = Parameters<typeof linkCursorCodec.encode>[0]

export type LinkRow = LinkedSpanRow &
  LinkKey & {
    readonly traceState: string
    readonly flags: number
    readonly attributes: readonly (readonly [string, string])[]
    readonly attributeTypes: string
    readonly droppedAttributes: number
  }

const linkColumns = `direction, lower(hex(span_id)) as spanId, lower(hex(peer_trace_id)) as peerTraceId,
  lower(hex(peer_span_id)) as peerSpanId, ordinal, ${linkedSpanColumns},
  trace_state as traceState, flags, arrayZip(attrs.keys, attrs.values) as attributes,
  attr_types as attributeTypes, dropped_attrs as droppedAttributes, toString(cityHash64(kind, service)) as identityHash`

/** The same order as `sortKey`. */
function compareKeys(a: LinkKey, b: LinkKey): number {
  return (
    compare(a.direction === 'in', b.direction === 'in') ||
    compare(BigInt(a.start), BigInt(b.start)) ||
    compare(a.spanId, b.spanId) ||
    compare(a.peerTraceId, b.peerTraceId) ||
    compare(a.peerSpanId, b.peerSpanId) ||
    a.ordinal - b.ordinal ||
    compare(BigInt(a.identityHash), BigInt(b.identityHash))
  )
}

function compare<Value>(a: Value, b: Value): number {
  return a < b ? -1 : Number(a > b)
}

function toIdentity({ direction, spanId, peerTraceId, peerSpanId, ordinal, identityHash }: LinkKey): string {
  return [direction, spanId, peerTraceId, peerSpanId, ordinal, identityHash].join(' ')
}

/** A total order, so that pages neither overlap nor skip links. */
const sortKey = '(direction, start, span_id, peer_trace_id, peer_span_id, ordinal, cityHash64(kind, service))'

/** SQL: the sort key in the parameters that `toSortKeyParams` creates for this name. */
function compileSortKey(name: string): string {
  return `(
    cast({${name}_direction:String}, 'Enum8(''out'' = 1, ''in'' = 2)'), {${name}_start:UInt64},
    toFixedString(unhex({${name}_spanId:String}), 8), toFixedString(unhex({${name}_peerTraceId:String}), 16),
    toFixedString(unhex({${name}_peerSpanId:String}), 8), {${name}_ordinal:UInt32}, {${name}_identityHash:UInt64})`
}

function toSortKeyParams(name: string, key: LinkKey): QueryParams {
  const fields = Object.keys(keyFields) as (keyof LinkKey)[]
  return Object.fromEntries(fields.map((field) => [`${name}_${field}`, String(key[field])]))
}
