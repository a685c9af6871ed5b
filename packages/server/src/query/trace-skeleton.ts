import type { FindSpansAnswer, TraceSkeleton } from '@spanlink/contract'
import type { QueryOptions, Store } from '../store/store.ts'
import { NO_SPAN } from './linked-span.ts'
import { findLogEvents } from './logs/log-events.ts'
import { inBucketsOf } from './span-bucket.ts'

const SPANS_AT_MOST = 200_000
const EVENTS_OF_A_SPAN = 500
const FOUND_AT_MOST = 10_000

const ofTrace = `trace_id = toFixedString(unhex({traceId:String}), 16)
  and ${inBucketsOf('select toFixedString(unhex({traceId:String}), 16)')}`

/**
 * A trace without attributes, in columns. The engine makes the columns: a hundred thousand rows as objects would take the
 * server longer than all else together. `undefined` when no span of it is here.
 */
export async function findSkeleton(
  store: Store,
  traceId: string,
  options: QueryOptions,
): Promise<TraceSkeleton | undefined> {
  const [[columns], links, logEvents] = await Promise.all([
    store.query<Columns>(
      `select arrayStringConcat(groupArray(lower(hex(span_id)))) as spanIds,
        arrayStringConcat(groupArray(lower(hex(parent_span_id)))) as parentIds,
        groupArray(service) as services, groupArray(name) as names,
        groupArray(toUInt8(kind)) as kinds, groupArray(toUInt8(status)) as statuses,
        toString(min(start)) as first,
        arrayMap(at -> toFloat64(at - min(start)), groupArray(start)) as starts,
        groupArray(toFloat64(duration)) as durations,
        arrayFlatten(arrayMap((i, times) -> arrayMap(time -> (i, toFloat64(toInt64(time - min(start)))), times),
          arrayEnumerate(groupArray(event_times)), groupArray(event_times))) as events
      from (
        select span_id, parent_span_id, service, name, kind, status, start, duration,
          arraySlice(events.time, 1, ${EVENTS_OF_A_SPAN}) as event_times
        from spans
        where ${ofTrace}
        order by start, span_id
        limit 1 by span_id
        limit ${SPANS_AT_MOST + 1})`,
      { traceId },
      options,
    ),
    store.query<LinkCount>(
      `select lower(hex(span_id)) as spanId, direction, toUInt32(uniqExact(peer_trace_id, peer_span_id, ordinal)) as links
      from span_links
      where trace_id = toFixedString(unhex({traceId:String}), 16)
      group by span_id, direction`,
      { traceId },
      options,
    ),
    findLogEvents(store, traceId, options),
  ])
  if (columns === undefined || columns.kinds.length === 0) return undefined
  return skeletonOf(traceId, columns, links, logEvents)
}

/** Ids of the spans that hold a text anywhere, in order of start. */
export async function findSpansWith(
  store: Store,
  traceId: string,
  text: string,
  options: QueryOptions,
): Promise<FindSpansAnswer> {
  const holds = (column: string): string => `positionCaseInsensitive(${column}, {text:String}) > 0`
  const mapHolds = (map: string): string =>
    `(arrayExists(part -> ${holds('part')}, mapKeys(${map})) or arrayExists(part -> ${holds('part')}, mapValues(${map})))`
  const rows = await store.query<{ spanId: string }>(
    `select lower(hex(span_id)) as spanId
    from spans
    where ${ofTrace} and (${holds('name')} or ${holds('service')} or ${holds('status_message')} or ${mapHolds('attrs')}
      or arrayExists(event -> ${holds("tupleElement(event, 'name')")}
        or ${mapHolds("tupleElement(event, 'attrs')")}, events)
      or lower(hex(span_id)) = {text:String})
    order by start, span_id
    limit 1 by span_id
    limit ${FOUND_AT_MOST + 1}`,
    { traceId, text },
    options,
  )
  return {
    spanIds: rows.slice(0, FOUND_AT_MOST).map((row) => row.spanId),
    ...(rows.length > FOUND_AT_MOST ? { truncated: true as const } : {}),
  }
}

type Columns = {
  readonly spanIds: string
  readonly parentIds: string
  readonly services: readonly string[]
  readonly names: readonly string[]
  readonly kinds: number[]
  readonly statuses: number[]
  readonly first: string
  readonly starts: number[]
  readonly durations: number[]
  readonly events: readonly (readonly [one: number, time: number])[]
}

type LogEvents = Awaited<ReturnType<typeof findLogEvents>>

type LinkCount = { readonly spanId: string; readonly direction: 'out' | 'in'; readonly links: number }

function skeletonOf(
  traceId: string,
  columns: Columns,
  links: readonly LinkCount[],
  logEvents: LogEvents,
): TraceSkeleton {
  const truncated = columns.kinds.length > SPANS_AT_MOST
  const count = Math.min(columns.kinds.length, SPANS_AT_MOST)
  const indexOf = new Map<string, number>()
  for (let i = 0; i < count; i += 1) indexOf.set(columns.spanIds.slice(i * 16, i * 16 + 16), i)
  const parent: number[] = []
  for (let i = 0; i < count; i += 1) {
    const id = columns.parentIds.slice(i * 16, i * 16 + 16)
    parent[i] = id === NO_SPAN ? -1 : (indexOf.get(id) ?? -2)
  }
  const texts = new Map<string, number>()
  const textIndexes = (all: readonly string[]): number[] =>
    all.slice(0, count).map((text) => {
      const known = texts.get(text) ?? texts.size
      texts.set(text, known)
      return known
    })
  const service = textIndexes(columns.services)
  const name = textIndexes(columns.names)
  const countsOf = (direction: LinkCount['direction']): number[] =>
    links.flatMap((row) => {
      const index = row.direction === direction ? indexOf.get(row.spanId) : undefined
      return index === undefined ? [] : [index, row.links]
    })
  return {
    traceId,
    startTimeUnixNano: columns.first,
    count,
    spanIds: columns.spanIds.slice(0, count * 16),
    parent,
    texts: [...texts.keys()],
    service,
    name,
    kind: columns.kinds.slice(0, count),
    status: columns.statuses.slice(0, count),
    start: columns.starts.slice(0, count),
    duration: columns.durations.slice(0, count),
    linksOut: countsOf('out'),
    linksIn: countsOf('in'),
    events: [
      ...columns.events.flatMap(([one, time]) => (one > count ? [] : [one - 1, time])),
      ...Array.from(logEvents).flatMap(([spanId, events]) => {
        const index = indexOf.get(spanId)
        const first = BigInt(columns.first)
        return index === undefined ? [] : events.flatMap((event) => [index, Number(BigInt(event.timeUnixNano) - first)])
      }),
    ],
    ...(truncated ? { truncated } : {}),
  }
}
