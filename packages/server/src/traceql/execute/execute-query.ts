import { StoreError } from '../../clickhouse/store-error.ts'
import type { QueryOptions } from '../../clickhouse/store.ts'
import type { Params } from '../sql/params.ts'
import { TraceQLError } from '../syntax/errors.ts'
import type { Search } from './search.ts'

/** Asks the store within what is left of the answer's time. */
export async function executeQuery<Row>(search: Search, sql: string, params: Params): Promise<Row[]> {
  if (sql.length > MAX_STATEMENT_LENGTH) throw new TraceQLError('limit', tooManyConditions)
  return executeWithinDeadline(search, (options) => search.store.query<Row>(sql, params.values, options))
}

/** Says in words about the query why the store can't answer, where the query is the reason. */
export async function executeWithinDeadline<Answer>(
  search: Search,
  question: (options: QueryOptions) => Promise<Answer>,
): Promise<Answer> {
  const timeoutMs = Math.floor(search.deadline - performance.now())
  if (timeoutMs <= 0) throw new TraceQLError('limit', tooLong)
  try {
    return await question({ timeoutMs, signal: search.signal })
  } catch (error) {
    if (error instanceof StoreError && error.code === 'timeout')
      throw new TraceQLError('limit', tooLong, undefined, error)
    if (error instanceof StoreError && error.code === 'too-heavy')
      throw new TraceQLError('limit', tooHeavy, undefined, error)
    if (error instanceof StoreError && error.code === 'too-complex')
      throw new TraceQLError('limit', tooManyConditions, undefined, error)
    throw error
  }
}

/** Whether a question failed for want of memory, so that a plainer one may do. */
export function isTooHeavy(error: unknown): boolean {
  return error instanceof TraceQLError && error.cause instanceof StoreError && error.cause.code === 'too-heavy'
}

// The engine's max_query_size is 262,144 bytes, without what is in parameters; our own words are
// ASCII.
const MAX_STATEMENT_LENGTH = 250_000

const tooManyConditions =
  'The query has too many conditions: use a regular expression instead of many values, and scopes such as span. instead of a bare dot.'
const tooLong =
  'The query took too long: choose a shorter time range, or add a condition on resource.service.name or on name.'
const tooHeavy = 'The query needs more memory than one may have: choose a shorter time range or add conditions.'
