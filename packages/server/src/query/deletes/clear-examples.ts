import type { QueryOptions, QueryParams, Store } from '../../clickhouse/store.ts'
import type { Extent } from './find-extent.ts'

const MINUTE_NANO = 60_000_000_000n
const SECONDS_PER_DAY = 86_400

/** SQL: the traces' ids. */
const IDS = 'arrayMap(id -> toFixedString(unhex(id), 16), {examples:Array(String)})'

/** Removes traces from the exemplars of metrics and from the example spans of the topology. */
export async function clearExamples(
  store: Store,
  traceIds: readonly string[],
  { from, to, received }: Extent,
  options: QueryOptions,
): Promise<void> {
  const [isSlowest, isFailed] = [`has(${IDS}, slowest.trace_id)`, `has(${IDS}, failed.trace_id)`]
  const noSpan = "toFixedString('', 16), toFixedString('', 8)"
  const traffic: Update = {
    table: 'traffic_minutes',
    // Zeros mean none. The duration stays: quantiles need it.
    assignments: `slowest = if(${isSlowest}, (slowest.duration, ${noSpan}), slowest), failed = if(${isFailed}, (${noSpan}), failed)`,
    where: `minute between {firstMinute:UInt64} and {lastMinute:UInt64} and (${isSlowest} or ${isFailed})`,
    params: {
      examples: traceIds,
      firstMinute: String(BigInt(from) / MINUTE_NANO),
      lastMinute: String(BigInt(to) / MINUTE_NANO),
    },
  }
  const exemplars: Update = {
    table: 'metric_points',
    assignments: `exemplars = arrayFilter(exemplar -> not has(${IDS}, exemplar.trace_id), exemplars)`,
    // A day less: points may arrive before the spans.
    where: `received >= toDateTime({received:UInt32}, 'UTC') and hasAny(${IDS}, exemplars.trace_id)`,
    params: { examples: traceIds, received: Math.max(0, received - SECONDS_PER_DAY) },
  }
  for (const update of [traffic, exemplars]) await updateDays(store, update, options)
}

type Update = {
  readonly table: 'traffic_minutes' | 'metric_points'
  readonly assignments: string
  readonly where: string
  readonly params: QueryParams
}

/** Updates the days that have such rows: an update writes parts again. */
async function updateDays(store: Store, update: Update, options: QueryOptions): Promise<void> {
  const { table, assignments, where, params } = update
  const days = await store.query<{ day: string }>(
    `select distinct toString(toDate(received)) as day from ${table} where ${where}`,
    params,
    options,
  )
  for (const { day } of days) {
    const statement = `alter table ${table} update ${assignments} in partition {day:String} where ${where}`
    await store.changeRows(statement, { ...params, day }, options)
  }
}
