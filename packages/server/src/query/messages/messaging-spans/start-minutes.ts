import type { QueryOptions, QueryParams, Store } from '../../../clickhouse/store.ts'
import { MINUTE_NANO, type TimeWindow } from '../../sql/time-window.ts'

/**
 * Finds start times for reading the newest `limit` spans of the window: at most two, later first,
 * Unix nanoseconds; empty if nothing matches. `traffic_minutes` counts duplicate spans, so the
 * first may yield too few. No span precedes the last.
 *
 * @param condition on columns that both `traffic_minutes` and `spans` have
 */
export async function findStartMinutes(
  store: Store,
  { start, end }: TimeWindow,
  condition: { readonly sql: string; readonly params: QueryParams },
  limit: number,
  options: QueryOptions,
): Promise<bigint[]> {
  const rows = await store.query<{ minute: number; n: string }>(
    `select minute, sum(spans) as n from traffic_minutes
    where minute >= {fromMinute:UInt32} and minute <= {toMinute:UInt32} and ${condition.sql}
    group by minute
    order by minute desc`,
    { ...condition.params, fromMinute: String(start / MINUTE_NANO), toMinute: String(end / MINUTE_NANO) },
    options,
  )
  const starts: bigint[] = []
  let count = 0
  for (const { minute, n } of rows) {
    const at = BigInt(minute) * MINUTE_NANO
    // Part of the last minute may be after the end.
    if (at + MINUTE_NANO > end) continue
    count += Number(n)
    if (count < limit) continue
    starts.push(at)
    break
  }
  const first = rows.at(-1)
  if (first !== undefined) starts.push(BigInt(first.minute) * MINUTE_NANO)
  return [...new Set(starts.map((at) => (at > start ? at : start)))]
}
