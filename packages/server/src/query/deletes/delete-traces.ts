import { StoreError } from '../../clickhouse/store-error.ts'
import type { QueryOptions, QueryParams, Store } from '../../clickhouse/store.ts'
import { bucketOf, bucket } from '../sql/span-bucket.ts'
import { createTraceIdSet, type SqlPart } from '../sql/id-parameters.ts'
import { backlinkHead } from '../trace-rows/head-sql.ts'
import { clearExamples } from './clear-examples.ts'
import { findExtent } from './find-extent.ts'

type DeletedTraces = { readonly deletedTraces: number; readonly deletedSpans: number }

/** Linked traces per statement. */
const MAX_LINKED_TRACES = 10_000

/**
 * Deletes traces: their spans, links, logs, and what other rows show of them. First waits until all
 * acknowledged rows are stored. Spans that arrive later are stored as new.
 *
 * Searches miss a trace first and its fetch rows go last, so that a failed delete can be repeated.
 *
 * @param traceIds at most 3,000
 */
export async function deleteTraces(
  store: Store,
  traceIds: readonly string[],
  options: QueryOptions,
): Promise<DeletedTraces> {
  await flushWriter(store, options.signal)
  const ids = createTraceIdSet('ids', traceIds)
  const found = await findExtent(store, ids, options)
  const { params } = ids
  const logs = { sql: `trace_id in (${ids.sql})`, params }
  const tracesWithLogs = await countTracesWithLogs(store, logs, options)
  if (tracesWithLogs > 0) await deleteRows(store, 'logs', logs, options)
  // Logs may arrive without spans, or after the spans were deleted.
  if (found.traces === 0) return { deletedTraces: tracesWithLogs, deletedSpans: 0 }
  const starts = { ...params, from: found.from, to: found.to }
  const linked = await store.query<{ id: string }>(
    `select distinct lower(hex(arrayJoin(links.trace_id))) as id from spans
    where trace_id in (${ids.sql}) and ${IN_BUCKETS}`,
    starts,
    options,
  )
  await clearExamples(store, traceIds, found, options)
  await deleteRows(store, 'spans', { sql: `trace_id in (${ids.sql}) and ${IN_BUCKETS}`, params: starts }, options)
  for (let at = 0; at < linked.length; at += MAX_LINKED_TRACES) {
    const some = createTraceIdSet(
      'linked',
      linked.slice(at, at + MAX_LINKED_TRACES).map(({ id }) => id),
    )
    const where = `trace_id in (${some.sql}) and type = 'backlink' and toFixedString(${backlinkHead.linkingTraceId}, 16) in (${ids.sql})`
    await deleteRows(store, 'trace_rows', { sql: where, params: { ...some.params, ...params } }, options)
  }
  await deleteRows(store, 'trace_rows', { sql: `trace_id in (${ids.sql})`, params }, options)
  return { deletedTraces: found.traces, deletedSpans: found.spans }
}

async function countTracesWithLogs(store: Store, { sql, params }: SqlPart, options: QueryOptions): Promise<number> {
  if (store.hasLogs?.() === false) return 0
  const [row] = await store.query<{ traces: string }>(
    `select uniqExact(trace_id) as traces from logs where ${sql}`,
    params,
    options,
  )
  return Number(row?.traces ?? 0)
}

/** SQL: spans that start in the buckets of these traces. */
const IN_BUCKETS = `${bucket} between ${bucketOf('{from:UInt64}')} and ${bucketOf('{to:UInt64}')}`

/** Acknowledged rows are stored within a second, unless ClickHouse is unavailable. */
const MAX_FLUSH_MS = 30_000

async function flushWriter(store: Store, signal: AbortSignal | undefined): Promise<void> {
  const deadline = AbortSignal.timeout(MAX_FLUSH_MS)
  await store
    .writer?.()
    ?.flush(signal === undefined ? deadline : AbortSignal.any([signal, deadline]))
    .catch((cause: unknown) => {
      if (!deadline.aborted) throw cause
      const message = 'Acknowledged rows are not stored yet, so that nothing was deleted.'
      throw new StoreError('unavailable', message, { cause })
    })
}

/**
 * A patch part marks the rows; merges remove them. docs/adr/0038-delete-by-patch-parts.md has the
 * figures.
 */
async function deleteRows(
  store: Store,
  table: 'spans' | 'logs' | 'trace_rows',
  { sql, params }: { readonly sql: string; readonly params: QueryParams },
  options: QueryOptions,
): Promise<void> {
  const statement = `delete from ${table} where ${sql} settings lightweight_delete_mode = 'lightweight_update_force'`
  await store.changeRows(statement, params, options)
}
