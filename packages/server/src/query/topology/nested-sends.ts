import { messagingBatchCount } from '../records/messaging-sql.ts'
import { inWindow, toWindowParams } from '../sql/time-window.ts'
import { spanIdentity } from '../traces/span-parents.ts'
import { takeSample } from './sample.ts'
import type { TopologyRequest, Traffic } from './traffic.ts'

/** Target number of producing spans in the sample. */
const SAMPLE_SPANS = 20_000

/** Messages of producing spans of a service that a producing child of the same topic sends. */
export type NestedSends = Pick<Traffic, 'cluster' | 'topic'> & {
  readonly service: string
  readonly operation: string
  /** Scaled-up estimates if `sampled`. */
  readonly count: number
  readonly errorCount: number
  readonly sampled: boolean
}

/**
 * Finds producing spans that only enclose another, as Spring's observation around the Java agent's
 * span: `isSameSend` in SQL. The rollup has no parents and counts both.
 */
export async function findNestedSends(
  { store, window, options }: TopologyRequest,
  produced: number,
): Promise<NestedSends[]> {
  if (produced === 0) return []
  const { rows, sample } = await takeSample(produced, SAMPLE_SPANS, async (condition, params) => {
    const found = await store.query<NestedRow>(
      `with sends as (
        select trace_id, span_id, parent_span_id, service, kind, status, messaging_operation, topic, cluster,
          greatest(1, toUInt64OrZero(${messagingBatchCount})) as messages
        from spans
        where ${inWindow} and messaging_operation in ('create', 'send') and topic != '' and ${condition}
        limit 1 by trace_id, ${spanIdentity})
      select service, messaging_operation as operation, cluster, topic, count() as spanCount,
        sumIf(messages, is_outer) as nested, sumIf(messages, is_outer and status = 'error') as failures
      from (
        select *, kind = 'producer' and (trace_id, span_id, topic) in (
          select trace_id, parent_span_id, topic from sends where kind = 'producer' and status != 'error') as is_outer
        from sends)
      group by service, messaging_operation, cluster, topic`,
      { ...toWindowParams(window), ...params },
      options,
    )
    return { rows: found, size: found.reduce((sum, { spanCount }) => sum + Number(spanCount), 0) }
  })
  return rows
    .filter(({ nested }) => nested !== '0')
    .map(({ service, operation, cluster, topic, nested, failures }) => ({
      service,
      operation,
      cluster,
      topic,
      count: Number(nested) * sample.oneIn,
      errorCount: Number(failures) * sample.oneIn,
      sampled: sample.oneIn > 1,
    }))
}

type NestedRow = Pick<NestedSends, 'service' | 'operation' | 'cluster' | 'topic'> & {
  readonly spanCount: string
  readonly nested: string
  readonly failures: string
}

/** Subtracts the nested sends. Without a cluster, they are of the only one that the rows name. */
export function subtractNestedSends(traffic: readonly Traffic[], nested: readonly NestedSends[]): readonly Traffic[] {
  if (nested.length === 0) return traffic
  const toKey = ({ service, operation, topic }: Pick<Traffic, 'service' | 'topic'> & { operation: string }): string =>
    JSON.stringify([service ?? null, operation, topic])
  const rowsOf = Map.groupBy(traffic, toKey)
  const result = new Map(traffic.map((row) => [row, row]))
  for (const sends of nested) {
    const rows = rowsOf.get(toKey(sends)) ?? []
    const row = rows.length === 1 ? rows[0] : rows.find(({ cluster }) => cluster === sends.cluster)
    if (row === undefined) continue
    const known = result.get(row) ?? row
    const count = Math.max(1, known.numbers.count - sends.count)
    const errorCount = Math.max(0, known.numbers.errorCount - sends.errorCount)
    result.set(row, {
      ...known,
      numbers: { ...known.numbers, count, errorCount },
      sampled: known.sampled || sends.sampled,
    })
  }
  return [...result.values()]
}
