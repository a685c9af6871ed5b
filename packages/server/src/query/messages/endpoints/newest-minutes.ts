import type { QueryOptions, QueryParams, Store } from '../../../clickhouse/store.ts'
import type { TimeWindow } from '../../sql/time-window.ts'

const MINUTE = 60_000_000_000n

/**
 * Where to begin reading for the newest `limit` spans of the window: two places or one, the later
 * first, in Unix nanoseconds. By the rollup, which has every span once or, where it was sent again,
 * more often: the first place may hold too few, nothing lies before the last. Empty when there are
 * none.
 *
 * @param condition on columns that `traffic_minutes` has as well as `spans`
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
    { ...condition.params, fromMinute: String(start / MINUTE), toMinute: String(end / MINUTE) },
    options,
  )
  const places: bigint[] = []
  let count = 0
  for (const { minute, n } of rows) {
    const at = BigInt(minute) * MINUTE
    // Of the last minute a part may lie behind the end.
    if (at + MINUTE > end) continue
    count += Number(n)
    if (count < limit) continue
    places.push(at)
    break
  }
  const first = rows.at(-1)
  if (first !== undefined) places.push(BigInt(first.minute) * MINUTE)
  return [...new Set(places.map((place) => (place > start ? place : start)))]
}
