import type { QueryOptions, QueryParams, Store } from '../../../clickhouse/store.ts'
import { inWindow, type TimeWindow, toWindowParams } from '../../sql/time-window.ts'
import {
  endpointColumns,
  type EndpointRow,
  toSpanKey,
  type MessageEndpoint,
  type MessagePosition,
  type StartPosition,
  toEndpoint,
} from './message-endpoint.ts'
import { findStartMinutes } from './newest-minutes.ts'

/**
 * Spans of the window that satisfy an SQL condition (with parameters, no values), newest first.
 *
 * @param before only those that come from this place on
 */
export async function findNewestEndpoints(
  store: Store,
  window: TimeWindow,
  condition: EndpointCondition,
  before: StartPosition | undefined,
  limit: number,
  options: QueryOptions,
): Promise<ScannedEndpoints> {
  // The newest are mostly in the window's last minutes: the longer stretches are only read where
  // those hold too few.
  const newest = before === undefined || before.time >= window.end ? window.end : before.time + 1n
  const lookFrom = async (start: bigint): Promise<ScannedEndpoints> =>
    await queryNewestEndpoints(store, { start, end: newest }, condition, before, limit, options)
  if (newest - MINUTE <= window.start) return await lookFrom(window.start)
  let looked = await lookFrom(newest - MINUTE)
  if (looked.scannedUntil !== undefined) return looked
  const starts = await findEarlierStarts(store, { start: window.start, end: newest }, condition, limit, options)
  for (const start of new Set(starts)) {
    looked = await lookFrom(start)
    if (looked.scannedUntil !== undefined) return looked
  }
  return looked
}

/**
 * Where to begin reading when the last minute holds too few, later places first; nothing lies
 * before the last.
 */
async function findEarlierStarts(
  store: Store,
  stretch: TimeWindow,
  { sql, params, inRollup }: EndpointCondition,
  limit: number,
  options: QueryOptions,
): Promise<bigint[]> {
  if (inRollup === 'same') return await findStartMinutes(store, stretch, { sql, params }, limit, options)
  // Of what the rollup counts, some is not looked for.
  const places = await findStartMinutes(store, stretch, { sql: inRollup, params }, 2 * limit, options)
  const [first, last] = [places[0], places.at(-1)]
  if (first === undefined || last === undefined) return []
  const between = LOOKBACK_STEPS.map((back) => stretch.end - back).filter((at) => at < first && at > last)
  return [first, ...between, last]
}

export type EndpointCondition = {
  readonly sql: string
  readonly params: QueryParams
  /**
   * As a condition on `traffic_minutes`: the same, or what holds for more, with the same
   * parameters.
   */
  readonly inRollup: 'same' | string
}

export type ScannedEndpoints = {
  readonly endpoints: readonly MessageEndpoint[]
  /** The last place looked at, if `limit` rows were there: there may be more. */
  readonly scannedUntil: MessagePosition | undefined
}

const MINUTE = 60_000_000_000n

const LOOKBACK_STEPS = [10n * MINUTE, 60n * MINUTE, 24n * 60n * MINUTE]

async function queryNewestEndpoints(
  store: Store,
  stretch: TimeWindow,
  condition: { readonly sql: string; readonly params: QueryParams },
  before: StartPosition | undefined,
  limit: number,
  options: QueryOptions,
): Promise<ScannedEndpoints> {
  const place = '(start, trace_id, span_id)'
  const placeBefore = `({beforeTime:UInt64}, toFixedString(unhex({beforeTrace:String}), 16), toFixedString(unhex({beforeSpan:String}), 8))`
  // The list's own condition first: it is about columns of a byte or two a span, and leaves few
  // spans.
  const from = `spans prewhere ${condition.sql}
    where ${inWindow} ${before === undefined ? '' : `and ${place} ${before.isInclusive ? '<=' : '<'} ${placeBefore}`}`
  const params = {
    ...condition.params,
    ...toWindowParams(stretch),
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
  const rows = await store.query<EndpointRow>(
    `select ${endpointColumns}
    from ${from} ${oldest === undefined ? '' : 'and start >= {oldest:UInt64}'}
    order by ${place} desc
    limit {limit:UInt32}`,
    { ...params, ...(oldest && { oldest: oldest.start }) },
    options,
  )
  // Sent twice, stored twice; not `limit by`, which would sort all of the window.
  const endpoints = [...new Map(rows.map((row) => [toSpanKey(row), toEndpoint(row)])).values()]
  const last = rows.length < limit ? undefined : endpoints.at(-1)
  return { endpoints, scannedUntil: last && { traceId: last.traceId, spanId: last.spanId, time: last.start } }
}
