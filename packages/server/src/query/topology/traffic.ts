import type { QueryOptions, Store } from '../../store/store.ts'
import type { TimeWindow } from '../messaging/time-window.ts'
import { MAX_UINT64 } from '../time-parameters.ts'

/** What spans of a service did with a topic, or with none. */
export type Traffic = {
  /** `undefined`: of all services together. */
  readonly service: string | undefined
  readonly operation: 'none' | 'create' | 'send' | 'receive' | 'process' | 'settle'
  readonly system: string
  /** '' where spans name none. */
  readonly topic: string
  readonly group: string
  readonly numbers: SpanNumbers
}

export type SpanNumbers = {
  readonly count: number
  readonly errorCount: number
  /** Nanoseconds. */
  readonly duration: readonly [p50: string, p95: string, p99: string]
  readonly slowest: readonly [traceId: string, spanId: string]
  /** Means something only where `errorCount` isn't 0. */
  readonly failed: readonly [traceId: string, spanId: string]
}

/** More rows than an answer has edges. */
export const MAX_TRAFFIC = 20_000

const MINUTE = 60_000_000_000n

/** The window in whole minutes. */
export function wholeMinutes({ start, end }: TimeWindow): TimeWindow {
  const until = end + ((MINUTE - (end % MINUTE)) % MINUTE)
  return { start: start - (start % MINUTE), end: until < MAX_UINT64 ? until : MAX_UINT64 }
}

/** How much there is: what samples are drawn from. */
export async function spanCounts(
  store: Store,
  window: TimeWindow,
  options: QueryOptions,
): Promise<{ readonly spans: number; readonly consumedOf: ReadonlyMap<string, number> }> {
  const rows = await store.query<{ topic: string; n: string; consumed: string }>(
    `select topic, sum(spans) as n, sumIf(spans, messaging_operation in ('receive', 'process')) as consumed
    from topology_minutes
    where minute >= {fromMinute:UInt32} and minute < {toMinute:UInt32}
    group by topic`,
    minutesOf(window),
    options,
  )
  const consumed = rows.filter((row) => row.topic !== '' && row.consumed !== '0')
  return {
    spans: rows.reduce((sum, row) => sum + Number(row.n), 0),
    consumedOf: new Map(consumed.map((row) => [row.topic, Number(row.consumed)])),
  }
}

function minutesOf({ start, end }: TimeWindow): { readonly fromMinute: string; readonly toMinute: string } {
  return { fromMinute: String(start / MINUTE), toMinute: String((end + MINUTE - 1n) / MINUTE) }
}

/** From the rollup by minute, busiest first: some thousand rows, whatever the volume. */
export async function trafficOf(store: Store, window: TimeWindow, options: QueryOptions): Promise<Traffic[]> {
  const rows = await store.query<TrafficRow>(
    `select toUInt8(grouping(service)) as ofAll, service, messaging_operation as operation, messaging_system as system, topic,
      consumer_group as grp, sum(spans) as n, sum(errors) as failures,
      arrayMap(q -> toString(toUInt64(q)), quantilesTDigestMerge(0.5, 0.95, 0.99)(durationState)) as quantiles,
      argMaxMerge(slowestState) as slow, argMaxMerge(failedState) as bad,
      (lower(hex(slow.1)), lower(hex(slow.2))) as slowestSpan, (lower(hex(bad.1)), lower(hex(bad.2))) as failedSpan
    from (
      -- Minutes first: putting digests together is what this costs, and the sets below share it.
      select service, messaging_operation, messaging_system, topic, consumer_group, sum(spans) as spans,
        sum(errors) as errors, quantilesTDigestMergeState(0.5, 0.95, 0.99)(durations) as durationState,
        argMaxMergeState(slowest) as slowestState, argMaxMergeState(failed) as failedState
      from topology_minutes
      where minute >= {fromMinute:UInt32} and minute < {toMinute:UInt32}
      group by service, messaging_operation, messaging_system, topic, consumer_group)
    group by grouping sets (
      (service, messaging_operation, messaging_system, topic, consumer_group),
      (messaging_operation, messaging_system, topic, consumer_group))
    order by n desc
    limit ${MAX_TRAFFIC}`,
    minutesOf(window),
    options,
  )
  return rows.map((row) => ({
    service: row.ofAll === 0 ? row.service : undefined,
    operation: row.operation,
    system: row.system,
    topic: row.topic,
    group: row.grp,
    numbers: {
      count: Number(row.n),
      errorCount: Number(row.failures),
      duration: row.quantiles,
      slowest: row.slowestSpan,
      failed: row.failedSpan,
    },
  }))
}

type TrafficRow = Pick<Traffic, 'operation' | 'system' | 'topic'> & {
  readonly ofAll: 0 | 1
  readonly service: string
  readonly grp: string
  readonly n: string
  readonly failures: string
  readonly quantiles: SpanNumbers['duration']
  readonly slowestSpan: SpanNumbers['slowest']
  readonly failedSpan: SpanNumbers['failed']
}
