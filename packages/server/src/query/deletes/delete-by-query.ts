import type { DeleteTracesQuery, DeleteTracesResponse } from '@spanlink/api-schema'
import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import { searchByQuery } from '../traces/search-by-query.ts'
import { deleteTraces } from './delete-traces.ts'

/** Deletes the traces of one page of a TraceQL search. */
export async function deleteByQuery(
  store: Store,
  query: DeleteTracesQuery,
  options: QueryOptions,
): Promise<DeleteTracesResponse> {
  const { traces, ...page } = await searchByQuery(store, query.q, query, options)
  const ids = traces.map(({ traceId }) => traceId)
  const deleted = ids.length === 0 ? { deletedTraces: 0, deletedSpans: 0 } : await deleteTraces(store, ids, options)
  return { ...deleted, ...page }
}
