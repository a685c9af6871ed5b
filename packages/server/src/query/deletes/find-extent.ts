import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import type { SqlPart } from '../sql/id-parameters.ts'
import { identityHash, spanHead } from '../trace-rows/head-sql.ts'

/** What is stored of the traces. */
export type Extent = {
  readonly traces: number
  readonly spans: number
  /** First and last start of a span, in Unix nanoseconds. */
  readonly from: string
  readonly to: string
  /** First day of arrival, in Unix seconds. */
  readonly received: number
}

export async function findExtent(store: Store, ids: SqlPart, options: QueryOptions): Promise<Extent> {
  const [row] = await store.query<Record<keyof Extent, string>>(
    `select uniqExact(trace_id) as traces, uniqExact(trace_id, span_id, ${identityHash}) as spans,
      min(${spanHead.start}) as from, max(${spanHead.start}) as to, toUnixTimestamp(min(received)) as received
    from trace_rows where trace_id in (${ids.sql}) and type = 'span'`,
    ids.params,
    options,
  )
  const { traces, spans, from = '0', to = '0', received } = row ?? ({} as Partial<NonNullable<typeof row>>)
  return { traces: Number(traces ?? 0), spans: Number(spans ?? 0), from, to, received: Number(received ?? 0) }
}
