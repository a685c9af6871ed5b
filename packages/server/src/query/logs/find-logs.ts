import type { LogRecord, LogsResponse, LogsQuery, SearchedRange } from '@spanlink/api-schema'
import { decodeAttributes } from '../../otlp/wire/attributes.ts'
import type { QueryOptions, QueryParams, Store } from '../../clickhouse/store.ts'
import { createCursorCodec } from '../sql/cursor.ts'
import { toSearchedRange } from '../sql/searched-range.ts'
import { findSources } from '../traces/span-source.ts'
import { getDefaultEnd, MAX_UINT64, parseUnixNano } from '../sql/time-parameters.ts'
import { logBucket, createLogFilter } from './log-filter.ts'

/**
 * Finds log records that satisfy every condition, ordered by timestamp. A cursor is the last
 * timestamp and how many records at it were returned: records have no id, and two may be identical.
 */
export async function findLogs(store: Store, request: LogsQuery, options: QueryOptions): Promise<LogsResponse> {
  const end = request.end ?? (request.traceId === undefined ? defaultLogEnd(request) : undefined)
  const query = { ...request, end, hasDefaultEnd: request.end === undefined }
  const limit = query.limit ?? 100
  const filter = createLogFilter(query)
  const cursor = query.cursor === undefined ? undefined : logCursor.decode(query.cursor)
  const newestFirst = query.order !== 'oldest'
  const direction = newestFirst ? 'desc' : 'asc'
  const conditions = [...filter.conditions]
  if (cursor !== undefined) {
    const after = newestFirst ? '<=' : '>='
    conditions.push(
      `timestamp ${after} {cursor:UInt64} and ${logBucket} ${after} intDiv({cursor:UInt64}, 600000000000)`,
    )
  }
  const params = {
    ...filter.params,
    cursor: String(cursor?.timestamp ?? 0),
    skip: cursor?.given ?? 0,
    limit: limit + 1,
  }
  if (query.traceId === undefined) {
    const bound = await findLastBucket(store, conditions, direction, params, options)
    if (bound === undefined) return { logs: [], sources: [], ...toSearchedLogs(query, cursor, undefined) }
    conditions.push(`${logBucket} ${newestFirst ? '>=' : '<='} {bound:UInt64}`)
    Object.assign(params, { bound })
  }
  const rows = await store.query<LogRow>(
    `select timestamp as timestampUnixNano, time as timeUnixNano, observed as observedTimeUnixNano, service,
      severity as severityNumber, severity_text as severityText, body,
      arrayZip(mapKeys(attrs), mapValues(attrs)) as attributes, dropped_attrs as droppedAttributesCount, flags,
      lower(hex(trace_id)) as traceId, lower(hex(span_id)) as spanId, event_name as eventName,
      body_type as bodyType, attr_types as attributeTypes, source_id as sourceId
    from logs
    where ${conditions.join(' and ')}
    order by ${logBucket} ${direction}, timestamp ${direction},
      cityHash64(source_id, trace_id, span_id, severity, severity_text, event_name, body, mapValues(attrs))
    limit {limit:UInt32} offset {skip:UInt32}`,
    params,
    options,
  )
  const page = rows.slice(0, limit)
  const sources = await findSources(
    store,
    page.map((row) => row.sourceId),
    options,
  )
  const last = rows.length > limit ? page.at(-1) : undefined
  return {
    logs: page.map((row) => toLogRecord(row, sources.indexes)),
    sources: sources.list,
    ...toSearchedLogs(query, cursor, last && BigInt(last.timestampUnixNano)),
    ...(rows.length > limit ? { nextCursor: cursorAfter(page, cursor) } : {}),
  }
}

function defaultLogEnd({ start = '0' }: LogsQuery): string {
  return String(getDefaultEnd(parseUnixNano('start', start)))
}

/** @param last timestamp of a page that has a next page */
function toSearchedLogs(
  query: LogsQuery & { readonly hasDefaultEnd: boolean },
  cursor: Cursor | undefined,
  last: bigint | undefined,
): SearchedRange {
  const { start: from = '0', end: to = String(MAX_UINT64), hasDefaultEnd } = query
  const range = { start: BigInt(from), end: BigInt(to), hasDefaultEnd }
  if (query.order !== 'oldest') return toSearchedRange(range, { from: cursor?.timestamp, until: last })
  const start = cursor === undefined || cursor.timestamp < range.start ? range.start : cursor.timestamp
  const { searched } = toSearchedRange({ ...range, start, end: last === undefined ? range.end : last + 1n })
  return { searched, complete: last === undefined }
}

/**
 * Finds the bucket in which a page ends, undefined without matches. In sort key order ClickHouse
 * stops reading when the page is full; in result order it reads and sorts every match (4.2 s
 * instead of 0.3 s for a common word in 2M records).
 */
async function findLastBucket(
  store: Store,
  conditions: readonly string[],
  direction: 'asc' | 'desc',
  params: QueryParams,
  options: QueryOptions,
): Promise<string | undefined> {
  const [row] = await store.query<{ first: string; last: string; found: string }>(
    `select min(bucket) as first, max(bucket) as last, count() as found from (
      select ${logBucket} as bucket from logs
      where ${conditions.join(' and ')}
      order by ${logBucket} ${direction}
      limit {limit:UInt32} + {skip:UInt32})`,
    params,
    options,
  )
  if (row === undefined || row.found === '0') return undefined
  return direction === 'desc' ? row.first : row.last
}

/** In the order of a `LogRecord`, which a response keeps. */
type LogRow = Omit<LogRecord, 'body' | 'attributes' | 'source'> & {
  readonly body: string
  readonly attributes: readonly (readonly [string, string])[]
  readonly bodyType: string
  readonly attributeTypes: string
  readonly sourceId: string
}

const NO_ID = /^0+$/

function toLogRecord(row: LogRow, sources: ReadonlyMap<string, number>): LogRecord {
  const { bodyType, attributeTypes, sourceId, ...record } = row
  return {
    ...record,
    // Stored like an attribute value.
    body: decodeAttributes([['body', row.body]], bodyType)[0]?.value ?? {},
    attributes: decodeAttributes(row.attributes, attributeTypes),
    traceId: NO_ID.test(row.traceId) ? '' : row.traceId,
    spanId: NO_ID.test(row.spanId) ? '' : row.spanId,
    source: sources.get(sourceId) ?? -1,
  }
}

const logCursor = createCursorCodec('logs1', { timestamp: 'uint64', given: 'count' })

type Cursor = ReturnType<typeof logCursor.decode>

function cursorAfter(page: readonly LogRow[], before: Cursor | undefined): string {
  const last = page.at(-1)?.timestampUnixNano ?? '0'
  const sameTime = page.length - page.findIndex((row) => row.timestampUnixNano === last)
  const earlier = before !== undefined && String(before.timestamp) === last ? before.given : 0
  return logCursor.encode({ timestamp: last, given: earlier + sameTime })
}
