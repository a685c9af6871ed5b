import { bucketOf } from '../../query/sql/span-bucket.ts'
import type { Window } from '../execute/search.ts'
import { filterLogsByWindow } from './log-events.ts'
import type { Params } from './params.ts'
import type { Row } from './row.ts'

/**
 * Matches spans that start in a window. The condition on the sort key's bucket limits what is read.
 */
export function filterByWindow(span: string, start: bigint, end: bigint, params: Params): string {
  const from = params.add('UInt64', String(start))
  const to = params.add('UInt64', String(end))
  const bucket = bucketOf(`${span}.start`)
  return `${bucket} >= ${bucketOf(from)} and ${bucket} <= ${bucketOf(to)} and ${span}.start >= ${from} and ${span}.start < ${to}`
}

/**
 * Selects trace ids from hex, for use after `in`. A subquery, because an index ignores an array
 * made by a function.
 */
export function selectTraceIds(ids: readonly string[], params: Params): string {
  return `(select toFixedString(unhex(arrayJoin(${params.add('Array(String)', ids)})), 16))`
}

/**
 * Creates a row of `spans` without joins.
 *
 * @param window limits lookups in `logs` to spans that start in it; undefined: all
 */
export function createUnjoinedRow(params: Params, window: Window | undefined): Row {
  const logEvents = { where: window === undefined ? '1' : filterLogsByWindow(window.start, params) }
  return { params, span: 's', source: undefined, logEvents }
}
