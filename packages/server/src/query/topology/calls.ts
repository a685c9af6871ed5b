import type { QueryOptions, Store } from '../../store/store.ts'
import { inWindow, type TimeWindow, windowParams } from '../messaging/time-window.ts'
import { inSample, type Sample, sampleOf, sampleParams, type Taken, takeSample } from './sample.ts'
import type { SpanNumbers } from './traffic.ts'

/** Spans of traces that are looked at. */
const SAMPLE_SPANS = 50_000

const MAX_CALLS = 2_000

export type Call = {
  readonly caller: string
  readonly called: string
  /** Estimates, scaled up, when sampled. */
  readonly numbers: SpanNumbers
  readonly sampled: boolean
}

/** Spans whose parent is of another service, and that don't take a message: one service calls the other. */
export async function callsOf(
  store: Store,
  window: TimeWindow,
  spanCount: number,
  options: QueryOptions,
): Promise<Call[]> {
  const wanted = sampleOf(spanCount, SAMPLE_SPANS)
  const take = async (sample: Sample): Promise<Taken<CallRow>> => {
    const params = { ...windowParams(window), ...sampleParams(sample) }
    const size = store.query<{ n: string }>(
      `select count() as n from spans where ${inWindow} and ${inSample(sample)}`,
      params,
      options,
    )
    const rows = store.query<CallRow>(
      `with sampled as (
        select trace_id, span_id, parent_span_id, service, status, greatest(duration, 0) as length, messaging_operation
        from spans where ${inWindow} and ${inSample(sample)}
        limit 1 by trace_id, span_id)
      select parents.service as caller, children.service as called, count() as n, countIf(status = 'error') as failures,
        arrayMap(q -> toString(toUInt64(q)), quantilesTDigest(0.5, 0.95, 0.99)(length)) as quantiles,
        argMax((trace_id, children.span_id), length) as slow,
        argMax((trace_id, children.span_id), status = 'error') as bad,
        (lower(hex(slow.1)), lower(hex(slow.2))) as slowest, (lower(hex(bad.1)), lower(hex(bad.2))) as failed
      from sampled as children
      join (select trace_id, span_id, service from sampled) as parents
        on children.trace_id = parents.trace_id and children.parent_span_id = parents.span_id
      where children.service != parents.service and messaging_operation not in ('receive', 'process')
      group by caller, called
      order by n desc
      limit ${MAX_CALLS}`,
      params,
      options,
    )
    const [found, [counted]] = await Promise.all([rows, size])
    return { rows: found, size: Number(counted?.n ?? 0) }
  }
  const { rows, sample } = await takeSample(wanted, spanCount / wanted.oneIn, take)
  return rows.map((row) => ({
    caller: row.caller,
    called: row.called,
    numbers: {
      count: Number(row.n) * sample.oneIn,
      errorCount: Number(row.failures) * sample.oneIn,
      duration: row.quantiles,
      slowest: row.slowest,
      failed: row.failed,
    },
    sampled: sample.oneIn > 1,
  }))
}

type CallRow = {
  readonly caller: string
  readonly called: string
  readonly n: string
  readonly failures: string
  readonly quantiles: SpanNumbers['duration']
  readonly slowest: SpanNumbers['slowest']
  readonly failed: SpanNumbers['failed']
}
