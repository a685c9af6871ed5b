import type { FindSpansResponse, TraceSkeleton } from '@spanlink/api-schema'
import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import { compileLinkCount } from '../links/link-count.ts'
import { findLogEvents } from '../logs/log-events.ts'
import { findParents, isInside, spanIdentity, type TreeSpan } from './span-parents.ts'
import { findTraceBuckets, withinBuckets } from '../sql/trace-buckets.ts'

const MAX_SPANS = 200_000
const MAX_EVENTS_PER_SPAN = 500
const MAX_FOUND_SPANS = 10_000

/** Both directions of every span. A trace with more also has links to spans that are not stored. */
const MAX_LINK_COUNTS = 2 * MAX_SPANS

const traceCondition = `trace_id = toFixedString(unhex({traceId:String}), 16) and ${withinBuckets}`

const byteCount = { UInt8: 1, Int32: 4, Float64: 8 } as const

/**
 * SQL: base64 of an array's values, each as the bytes of its type. Casting a FixedString to String
 * drops trailing zeros; a substring keeps them.
 */
const encodeColumn = (type: keyof typeof byteCount, array: string): string =>
  `base64Encode(arrayStringConcat(arrayMap(one -> substring(reinterpretAsFixedString(to${type}(one)), 1, ${byteCount[type]}), ${array})))`

/** SQL: aggregates a column, up to `MAX_SPANS` values. */
const collectColumn = (column: string): string => `groupArray(${MAX_SPANS})(${column})`

/**
 * Returns a trace without attributes, in columns; `undefined` when none of its spans is stored.
 *
 * ClickHouse builds the columns and the indexes of parents and texts, so the server only passes
 * bytes on. Row objects would take it longer than everything else together. One thread: the sort is
 * by start alone, and under load the query waits for a second thread.
 */
export async function findSkeleton(
  store: Store,
  traceId: string,
  options: QueryOptions,
): Promise<TraceSkeleton | undefined> {
  const [columns, links, logEvents] = await Promise.all([
    fetchColumns(store, traceId, options),
    store.query<LinkCount>(
      `select lower(hex(span_id)) as spanId, direction, if(direction = 'out', concat(toString(kind), ' ', service), '') as linkingSpan,
        toUInt32(${compileLinkCount('peer_trace_id, peer_span_id, kind, service, ordinal')}) as links
      from span_links
      where trace_id = toFixedString(unhex({traceId:String}), 16)
      group by span_id, direction, linkingSpan
      limit ${MAX_LINK_COUNTS}
      settings max_rows_to_group_by = ${MAX_LINK_COUNTS}, group_by_overflow_mode = 'any'`,
      { traceId },
      options,
    ),
    findLogEvents(store, traceId, options),
  ])
  if (columns === undefined || columns.spanIds === '') return undefined
  const { isShared, ...rest } = columns
  const shared = isShared === 1 ? await fetchSharedSpans(store, traceId, options) : undefined
  return toSkeleton(traceId, rest, { links, logEvents, shared })
}

async function fetchColumns(store: Store, traceId: string, options: QueryOptions): Promise<Columns | undefined> {
  const [columns] = await querySpans<Columns>(
    store,
    { traceId },
    `select found, toString(first) as startTimeUnixNano, length(ids) as count,
      lower(hex(arrayStringConcat(arrayMap(id -> substring(id, 1, 8), ids)))) as spanIds,
      toUInt8(arrayMax(arraySlice(arrayEnumerateDense(arrayConcat(ids, parents)), 1, length(ids))) < length(ids)) as isShared,
      ${encodeColumn(
        'Int32',
        `arrayMap((parent, place) -> multiIf(parent = toFixedString('', 8), -1, place > length(ids), -2, toInt32(place) - 1),
          parents, arraySlice(arrayEnumerateDense(arrayConcat(ids, parents)), length(ids) + 1))`,
      )} as parent,
      arrayDistinct(span_services) as services,
      ${encodeColumn('Int32', 'arrayMap(place -> place - 1, arrayEnumerateDense(span_services))')} as service,
      arrayDistinct(span_names) as names,
      ${encodeColumn('Int32', 'arrayMap(place -> place - 1, arrayEnumerateDense(span_names))')} as name,
      ${encodeColumn('UInt8', 'kinds')} as kind,
      ${encodeColumn('UInt8', 'statuses')} as status,
      ${encodeColumn('Float64', 'arrayMap(at -> at - first, starts)')} as start,
      ${encodeColumn('Float64', 'durations')} as duration,
      arrayFlatten(arrayMap((i, times) -> arrayMap(time -> (toFloat64(i - 1), toFloat64(toInt64(time - first))), times),
        arrayEnumerate(times_of), times_of)) as events
    from (
      select count() as found, min(start) as first, ${collectColumn('span_id')} as ids, ${collectColumn('parent_span_id')} as parents,
        ${collectColumn('service')} as span_services, ${collectColumn('name')} as span_names,
        ${collectColumn('kind')} as kinds, ${collectColumn('status')} as statuses,
        ${collectColumn('start')} as starts, ${collectColumn('duration')} as durations, ${collectColumn('event_times')} as times_of
      from (
        select span_id, parent_span_id, service, name, kind, status, start, duration,
          arraySlice(events.time, 1, ${MAX_EVENTS_PER_SPAN}) as event_times
        from spans
        where ${traceCondition}
        order by start, ${spanIdentity}
        limit 1 by ${spanIdentity}
        limit ${MAX_SPANS + 1}))
    settings max_threads = 1`,
    options,
  )
  return columns
}

/** Runs a statement with `traceCondition`; no rows when the trace isn't stored. */
async function querySpans<Row>(
  store: Store,
  params: { readonly traceId: string; readonly text?: string },
  sql: string,
  options: QueryOptions,
): Promise<readonly Row[]> {
  const buckets = await findTraceBuckets(store, params.traceId, options)
  return buckets === undefined ? [] : store.query<Row>(sql, { ...params, ...buckets }, options)
}

/**
 * For a trace in which spans share ids: the parent column, and indexes by id alone or with kind and
 * service.
 */
type SharedSpans = { readonly parent: string; readonly indexOf: ReadonlyMap<string, number> }

async function fetchSharedSpans(store: Store, traceId: string, options: QueryOptions): Promise<SharedSpans> {
  const spans = await querySpans<TreeSpan>(
    store,
    { traceId },
    `select lower(hex(span_id)) as spanId, if(parent_span_id = toFixedString('', 8), '', lower(hex(parent_span_id))) as parentSpanId,
      kind, service
    from spans
    where ${traceCondition}
    order by start, ${spanIdentity}
    limit 1 by ${spanIdentity}
    limit ${MAX_SPANS}`,
    options,
  )
  const indexOf = new Map<string, number>()
  for (const [index, span] of spans.entries()) {
    const known = spans[indexOf.get(span.spanId) ?? -1]
    if (known === undefined || isInside(span, known)) indexOf.set(span.spanId, index)
    indexOf.set(`${span.spanId} ${span.kind} ${span.service}`, index)
  }
  const parents = findParents(spans)
  return { parent: Buffer.from(parents.buffer, parents.byteOffset, parents.byteLength).toString('base64'), indexOf }
}

/** Returns the ids of spans that contain a text anywhere, in order of start. */
export async function findSpansByText(
  store: Store,
  traceId: string,
  text: string,
  options: QueryOptions,
): Promise<FindSpansResponse> {
  const holds = (column: string): string => `positionCaseInsensitive(${column}, {text:String}) > 0`
  const mapHolds = (map: string): string =>
    `(arrayExists(part -> ${holds('part')}, mapKeys(${map})) or arrayExists(part -> ${holds('part')}, mapValues(${map})))`
  const rows = await querySpans<{ spanId: string }>(
    store,
    { traceId, text },
    `select lower(hex(span_id)) as spanId
    from spans
    where ${traceCondition} and (${holds('name')} or ${holds('service')} or ${holds('status_message')} or ${mapHolds('attrs')}
      or arrayExists(event -> ${holds("tupleElement(event, 'name')")}
        or ${mapHolds("tupleElement(event, 'attrs')")}, events)
      or lower(hex(span_id)) = {text:String})
    order by start, ${spanIdentity}
    limit 1 by ${spanIdentity}
    limit ${MAX_FOUND_SPANS + 1}`,
    options,
  )
  return {
    spanIds: rows.slice(0, MAX_FOUND_SPANS).map((row) => row.spanId),
    ...(rows.length > MAX_FOUND_SPANS ? { truncated: true as const } : {}),
  }
}

type Columns = Omit<TraceSkeleton, 'traceId' | 'count' | 'linksOut' | 'linksIn' | 'events' | 'truncated'> & {
  readonly found: string
  /** 1 if spans share ids: parents by id alone are wrong then. */
  readonly isShared: 0 | 1
  readonly count: string
  readonly events: readonly (readonly [one: number, time: number])[]
}

type LogEvents = Awaited<ReturnType<typeof findLogEvents>>

type LinkCount = {
  readonly spanId: string
  readonly direction: 'out' | 'in'
  /** Kind and service of the span that carries links out. */
  readonly linkingSpan: string
  readonly links: number
}

function toSkeleton(
  traceId: string,
  { found, count, events, ...columns }: Omit<Columns, 'isShared'>,
  { links, logEvents, shared }: { links: readonly LinkCount[]; logEvents: LogEvents; shared: SharedSpans | undefined },
): TraceSkeleton {
  const indexOf =
    shared?.indexOf ?? findIndexes(columns.spanIds, new Set([...links.map((row) => row.spanId), ...logEvents.keys()]))
  const listCounts = (direction: LinkCount['direction']): number[] =>
    links.flatMap((row) => {
      if (row.direction !== direction) return []
      const index = shared?.indexOf.get(`${row.spanId} ${row.linkingSpan}`) ?? indexOf.get(row.spanId)
      return index === undefined ? [] : [index, row.links]
    })
  const first = BigInt(columns.startTimeUnixNano)
  return {
    traceId,
    count: Number(count),
    ...columns,
    ...(shared === undefined ? {} : { parent: shared.parent }),
    linksOut: listCounts('out'),
    linksIn: listCounts('in'),
    events: [
      ...events.flat(),
      ...Array.from(logEvents).flatMap(([spanId, told]) => {
        const index = indexOf.get(spanId)
        return index === undefined ? [] : told.flatMap((event) => [index, Number(BigInt(event.timeUnixNano) - first)])
      }),
    ],
    ...(Number(found) > Number(count) ? { truncated: true as const } : {}),
  }
}

/** Finds the positions of the wanted ids in the trace; most ids are not wanted. */
function findIndexes(spanIds: string, wanted: ReadonlySet<string>): ReadonlyMap<string, number> {
  const indexes = new Map<string, number>()
  for (let at = 0; at < spanIds.length && indexes.size < wanted.size; at += 16) {
    const id = spanIds.slice(at, at + 16)
    if (wanted.has(id)) indexes.set(id, at / 16)
  }
  return indexes
}
