import { StoreError, type StoreErrorCode } from '../../clickhouse/store-error.ts'
import type { QueryOptions } from '../../clickhouse/store.ts'
import type { Params } from '../sql/params.ts'
import { TraceQLError } from '../syntax/errors.ts'
import type { Search } from './search.ts'

/** Executes one statement before the deadline of the search. */
export async function executeQuery<Row>(search: Search, sql: string, params: Params): Promise<Row[]> {
  if (sql.length > MAX_STATEMENT_LENGTH) throw new TraceQLError('limit', tooManyConditions)
  return executeWithinDeadline(search, (options) => search.store.query<Row>(sql, params.values, options))
}

/** Turns errors of ClickHouse that the query causes into errors about the query. */
export async function executeWithinDeadline<Result>(
  search: Search,
  execute: (options: QueryOptions) => Promise<Result>,
): Promise<Result> {
  const timeoutMs = Math.floor(search.deadline - performance.now())
  if (timeoutMs <= 0) throw new TraceQLError('limit', tooLong)
  try {
    return await execute({ timeoutMs, signal: search.signal })
  } catch (error) {
    const message = error instanceof StoreError ? limitMessages[error.code] : undefined
    throw message === undefined ? error : new TraceQLError('limit', message, undefined, error)
  }
}

// ClickHouse's max_query_size is 262,144 bytes without parameters; the SQL is ASCII.
const MAX_STATEMENT_LENGTH = 250_000

const tooManyConditions =
  'The query has too many conditions: use a regular expression instead of many values, and scopes such as span. instead of a bare dot.'
const tooLong =
  'The query took too long: choose a shorter time range, or add a condition on resource.service.name or on name.'

const limitMessages: Partial<Record<StoreErrorCode, string>> = {
  timeout: tooLong,
  'too-heavy': 'The query exceeds its memory limit: choose a shorter time range or add conditions.',
  'too-complex': tooManyConditions,
}
