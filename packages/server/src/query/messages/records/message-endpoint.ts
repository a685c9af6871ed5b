import type { MessageSpan, StatusCode } from '@spanlink/api-schema'
import type { QueryOptions, QueryParams, Store } from '../../../clickhouse/store.ts'
import { NO_SPAN, queueTime, type SpanRef } from '../../links/linked-span.ts'
import { bucketSet, byIds, spanRefSet, traceIdSet } from '../../sql/id-parameters.ts'
import { inWindow, type TimeWindow, windowParams } from '../../sql/time-window.ts'
import { bucket, ofTraces as inTraces } from '../../sql/span-bucket.ts'
import { spanIdentity } from '../../traces/span-parents.ts'
import { newestMinutes } from '../newest-minutes.ts'
import { bySide, type Side } from '../shared-ids.ts'

/** A span that produces or consumes messages. */
export type MessageEnd = SpanRef & {
  readonly parentSpanId: string
  readonly start: bigint
  readonly end: bigint
  readonly service: string
  readonly name: string
  readonly status: StatusCode
  readonly operation: string
  /** '' where the span names none. */
  readonly cluster: string
  readonly topic: string
  readonly partition: string
  readonly offset: string
  readonly group: string
}

/** A place in a list, newest first; several messages may share one. */
export type Place = SpanRef & { readonly time: bigint }

/**
 * Where a list continues: behind a place, or at it, where some of its messages are still to come.
 */
export type StartPlace = Place & { readonly isInclusive: boolean }

const columns = `lower(hex(trace_id)) as traceId, lower(hex(span_id)) as spanId,
  lower(hex(parent_span_id)) as parentSpanId, start, toUInt64(start + duration) as finish, service, name, status,
  messaging_operation as operation, cluster, topic, partition, message_offset as offset, consumer_group as group`

/**
 * Spans of the window that satisfy an SQL condition (with parameters, no values), newest first.
 *
 * @param before only those that come from this place on
 */
export async function newestEnds(
  store: Store,
  window: TimeWindow,
  condition: EndCondition,
  before: StartPlace | undefined,
  limit: number,
  options: QueryOptions,
): Promise<Looked> {
  // The newest are mostly in the window's last minutes: the longer stretches are only read where
  // those hold too few.
  const newest = before === undefined || before.time >= window.end ? window.end : before.time + 1n
  const lookFrom = async (start: bigint): Promise<Looked> =>
    await newestIn(store, { start, end: newest }, condition, before, limit, options)
  if (newest - MINUTE <= window.start) return await lookFrom(window.start)
  let looked = await lookFrom(newest - MINUTE)
  if (looked.lookedTo !== undefined) return looked
  const starts = await furtherStarts(store, { start: window.start, end: newest }, condition, limit, options)
  for (const start of new Set(starts)) {
    looked = await lookFrom(start)
    if (looked.lookedTo !== undefined) return looked
  }
  return looked
}

/**
 * Where to begin reading when the last minute holds too few, later places first; nothing lies
 * before the last.
 */
async function furtherStarts(
  store: Store,
  stretch: TimeWindow,
  { sql, params, inRollup }: EndCondition,
  limit: number,
  options: QueryOptions,
): Promise<bigint[]> {
  if (inRollup === 'same') return await newestMinutes(store, stretch, { sql, params }, limit, options)
  // Of what the rollup counts, some is not looked for.
  const places = await newestMinutes(store, stretch, { sql: inRollup, params }, 2 * limit, options)
  const [first, last] = [places[0], places.at(-1)]
  if (first === undefined || last === undefined) return []
  const between = LOOK_BACK.map((back) => stretch.end - back).filter((at) => at < first && at > last)
  return [first, ...between, last]
}

export type EndCondition = {
  readonly sql: string
  readonly params: QueryParams
  /**
   * As a condition on `traffic_minutes`: the same, or what holds for more, with the same
   * parameters.
   */
  readonly inRollup: 'same' | string
}

export type Looked = {
  readonly ends: readonly MessageEnd[]
  /** The last place looked at, if `limit` rows were there: there may be more. */
  readonly lookedTo: Place | undefined
}

const MINUTE = 60_000_000_000n

const LOOK_BACK = [10n * MINUTE, 60n * MINUTE, 24n * 60n * MINUTE]

async function newestIn(
  store: Store,
  stretch: TimeWindow,
  condition: { readonly sql: string; readonly params: QueryParams },
  before: StartPlace | undefined,
  limit: number,
  options: QueryOptions,
): Promise<Looked> {
  const place = '(start, trace_id, span_id)'
  const placeBefore = `({beforeTime:UInt64}, toFixedString(unhex({beforeTrace:String}), 16), toFixedString(unhex({beforeSpan:String}), 8))`
  // The list's own condition first: it is about columns of a byte or two a span, and leaves few
  // spans.
  const from = `spans prewhere ${condition.sql}
    where ${inWindow} ${before === undefined ? '' : `and ${place} ${before.isInclusive ? '<=' : '<'} ${placeBefore}`}`
  const params = {
    ...condition.params,
    ...windowParams(stretch),
    limit,
    ...(before && { beforeTime: String(before.time), beforeTrace: before.traceId, beforeSpan: before.spanId }),
  }
  // In a long stretch, first by few columns when the last of them started: the rest is then read of
  // these alone.
  const isLong = stretch.end - stretch.start > MINUTE
  const [oldest] = isLong
    ? await store.query<{ start: string }>(
        `select start from ${from} order by start desc limit 1 offset {limit:UInt32}`,
        params,
        options,
      )
    : []
  const rows = await store.query<Row>(
    `select ${columns}
    from ${from} ${oldest === undefined ? '' : 'and start >= {oldest:UInt64}'}
    order by ${place} desc
    limit {limit:UInt32}`,
    { ...params, ...(oldest && { oldest: oldest.start }) },
    options,
  )
  // Sent twice, stored twice; not `limit by`, which would sort all of the window.
  const ends = [...new Map(rows.map((row) => [keyOf(row), messageEnd(row)])).values()]
  const last = rows.length < limit ? undefined : ends.at(-1)
  return { ends, lookedTo: last && { traceId: last.traceId, spanId: last.spanId, time: last.start } }
}

/**
 * A span, and what is known of when it started: exactly, or a time it mostly was a minute at most
 * before.
 */
export type TimedRef = SpanRef & { readonly start?: bigint; readonly before?: bigint }

/**
 * Spans by id, any time, any trace; keyed like the references. Those that are not here are absent.
 */
export async function endsByRef(
  store: Store,
  refs: readonly TimedRef[],
  side: Side,
  options: QueryOptions,
): Promise<Map<string, MessageEnd>> {
  const found = await spansByRef<Row>(store, refs, columns, side, options)
  return new Map(Array.from(found, ([key, row]) => [key, messageEnd(row)]))
}

/**
 * The same, of some columns: each is a read of its own for each span.
 *
 * @param wanted SQL, `traceId`, `spanId` and `operation` among them
 */
export async function spansByRef<Row extends SpanRef & Pick<MessageEnd, 'operation'>>(
  store: Store,
  refs: readonly TimedRef[],
  wanted: string,
  side: Side,
  options: QueryOptions,
): Promise<Map<string, Row>> {
  const found = bySide(await atTheirTimes<Row>(store, refs, wanted, options), side)
  const others = refs.filter((ref) => ref.start === undefined && !found.has(keyOf(ref)))
  const further = await ofTraces<Row>(store, others, '(trace_id, span_id)', wanted, options)
  return new Map([...found, ...bySide(further, side)])
}

const BUCKET = 600_000_000_000n

/** A start names the bucket of the key, which saves looking up where the trace lies. */
async function atTheirTimes<Row>(
  store: Store,
  refs: readonly TimedRef[],
  wanted: string,
  options: QueryOptions,
): Promise<Row[]> {
  const places = refs.flatMap(({ traceId, start, before }) => {
    if (start !== undefined) return [{ traceId, bucket: start / BUCKET }]
    if (before === undefined) return []
    const last = before / BUCKET
    // What waited longer is looked up where its trace lies.
    const isEarly = before % BUCKET < MINUTE && last > 0n
    return (isEarly ? [last, last - 1n] : [last]).map((each) => ({ traceId, bucket: each }))
  })
  if (places.length === 0) return []
  const where = bucketSet('places', places)
  const set = spanRefSet(
    'refs',
    refs.filter((ref) => ref.start !== undefined || ref.before !== undefined),
  )
  return await store.query<Row>(
    `select ${wanted}
    from spans
    where (${bucket}, trace_id) in (${where.sql}) and (trace_id, span_id) in (${set.sql})
    limit 1 by trace_id, ${spanIdentity}
    ${byIds}`,
    { ...where.params, ...set.params },
    options,
  )
}

/**
 * Consumers whose parent is one of these spans: messages in parent mode. Those that share a
 * producer's id are its children as well.
 */
export async function consumingChildren(
  store: Store,
  parents: readonly Pick<MessageEnd, 'traceId' | 'spanId' | 'operation'>[],
  options: QueryOptions,
): Promise<MessageEnd[]> {
  const producers = parents.filter((parent) => !isConsuming(parent))
  const [children, sharing] = await Promise.all([
    ofTraces<Row>(store, parents, '(trace_id, parent_span_id)', columns, options),
    ofTraces<Row>(store, producers, '(trace_id, span_id)', columns, options, CONSUMING),
  ])
  return childrenOf(parents, [...children, ...sharing]).map(messageEnd)
}

const CONSUMING = `messaging_operation in ('receive', 'process')`

/**
 * Of these spans, with what is their parent: whatever a consumer names, it is the producer whose id
 * it shares.
 */
export function childrenOf<Span extends SpanRef & Pick<MessageEnd, 'parentSpanId' | 'operation'>>(
  parents: readonly Pick<MessageEnd, 'traceId' | 'spanId' | 'operation'>[],
  spans: readonly Span[],
): Span[] {
  const keys = new Set(parents.map(keyOf))
  const producers = new Set(parents.filter((parent) => !isConsuming(parent)).map(keyOf))
  const children = spans.filter(isConsuming).flatMap((span) => {
    if (producers.has(keyOf(span))) return [{ ...span, parentSpanId: span.spanId }]
    return keys.has(span.traceId + span.parentSpanId) ? [span] : []
  })
  return [...new Map(children.map((child) => [keyOf(child), child])).values()]
}

async function ofTraces<Row>(
  store: Store,
  refs: readonly SpanRef[],
  key: '(trace_id, span_id)' | '(trace_id, parent_span_id)',
  wanted: string,
  options: QueryOptions,
  condition = 'true',
): Promise<Row[]> {
  if (refs.length === 0) return []
  const traces = traceIdSet(
    'traceIds',
    refs.map((ref) => ref.traceId),
  )
  const set = spanRefSet('refs', refs)
  return await store.query<Row>(
    `select ${wanted}
    from spans
    where ${inTraces(traces.sql)} and ${key} in (${set.sql}) and ${condition}
    limit 1 by trace_id, ${spanIdentity}
    ${byIds}`,
    { ...traces.params, ...set.params },
    options,
  )
}

type Row = Omit<MessageEnd, 'start' | 'end'> & { readonly start: string; readonly finish: string }

function messageEnd({ start, finish, ...row }: Row): MessageEnd {
  return {
    ...row,
    parentSpanId: row.parentSpanId === NO_SPAN ? '' : row.parentSpanId,
    offset: row.offset === '-1' ? '' : row.offset,
    start: BigInt(start),
    end: BigInt(finish),
  }
}

export function keyOf(ref: SpanRef): string {
  return ref.traceId + ref.spanId
}

export function isConsuming({ operation }: Pick<MessageEnd, 'operation'>): boolean {
  return operation === 'receive' || operation === 'process'
}

/**
 * Without the spans around others: a batch's span around those of its messages is no delivery of
 * its own.
 */
export function keepInnermost(ends: readonly MessageEnd[]): MessageEnd[] {
  // A consumer that shares its producer's id has that one as parent, as other consumers of the
  // producer have.
  const isSharer = (end: MessageEnd): boolean => end.parentSpanId === end.spanId
  const parents = new Set(ends.map((end) => end.traceId + end.parentSpanId))
  return ends.filter((end) => isSharer(end) || !parents.has(keyOf(end)))
}

/** As the contract has it, yet without its error. */
export function messageSpan(end: MessageEnd, produced: MessageEnd | undefined): MessageSpan {
  return {
    traceId: end.traceId,
    spanId: end.spanId,
    service: end.service,
    name: end.name,
    cluster: end.cluster,
    topic: end.topic,
    partition: end.partition,
    offset: end.offset,
    key: '',
    consumerGroup: isConsuming(end) ? end.group : '',
    startTimeUnixNano: String(end.start),
    endTimeUnixNano: String(end.end),
    status: end.status,
    errorType: '',
    errorMessage: '',
    queueTimeNano: produced === undefined || !isConsuming(end) ? null : String(queueTime(produced, end)),
  }
}
