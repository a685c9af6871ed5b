import { filterByTraces } from '../../query/sql/span-bucket.ts'
import { selectIds } from '../sql/from.ts'
import { createParams } from '../sql/params.ts'
import type { ColumnGroup } from '../sql/required-columns.ts'
import { executeQuery } from './execute-query.ts'
import type { Search } from './search.ts'

/**
 * Executes a statement over whole traces that may join parents or children. Joins that resolve
 * shared span ids cost up to five times as much, so the statement joins by id, while another looks
 * for shared ids. Once some are found, the rest of the search resolves them.
 */
export async function queryWithParents<Rows>(
  search: Search,
  needs: ReadonlySet<ColumnGroup>,
  ids: readonly string[],
  execute: (hasSharedIds: boolean) => Promise<Rows>,
): Promise<Rows> {
  if (!needs.has('parent') && !needs.has('children')) return execute(false)
  if (search.hasSharedIds) return execute(true)
  const unchecked = ids.filter((id) => !search.tracesWithUniqueIds.has(id))
  const [rows, hasSharedIds] = await Promise.all([execute(false), findSharedIds(search, unchecked)])
  if (hasSharedIds) {
    search.hasSharedIds = true
    return execute(true)
  }
  for (const id of unchecked) search.tracesWithUniqueIds.add(id)
  return rows
}

/** Whether two spans of a trace share an id. */
async function findSharedIds(search: Search, ids: readonly string[]): Promise<boolean> {
  if (ids.length === 0) return false
  const params = createParams()
  const spans = `spans where ${filterByTraces(selectIds(ids, 16, params))}`
  // Few traces have an id twice, and counting hashes takes a third of the time of groups.
  const [counted] = await executeQuery<{ readonly repeats: number }>(
    search,
    `select count() != uniqExact(cityHash64(trace_id, span_id)) as repeats from ${spans}`,
    params,
  )
  if (counted?.repeats !== 1) return false
  const shared = await executeQuery<object>(
    search,
    `select 1 from ${spans} group by trace_id, span_id
    having min(kind) != max(kind) or min(service) != max(service) limit 1`,
    params,
  )
  return shared.length > 0
}
