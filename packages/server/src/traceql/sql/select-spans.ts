import type { Field } from '../syntax/ast.ts'
import { foldConstants } from '../analyze/constant-folding.ts'
import type { Window } from '../execute/search.ts'
import { compileCondition, canDecideWithoutJoins, joinAnd, joinOr } from './condition.ts'
import { filterByWindow, createUnjoinedRow } from './from.ts'
import { listIndexConditions } from './index-prefilter.ts'
import { selectLogEventRows, filterLogsByWindow } from './log-events.ts'
import type { Params } from './params.ts'
import type { Row } from './row.ts'

export type SpanSelection = {
  readonly row: Row
  /**
   * SELECT of columns of the spans `s`, for use after FROM or `in`.
   *
   * @param arrayJoin `as` part of an ARRAY JOIN, for a row per element
   */
  select(columns: string, arrayJoin?: string): string
}

/**
 * Selects the spans in a window that match a condition. Joins sources as `r` if the condition
 * requires it or `joinSources` is set.
 */
export function selectSpans(
  condition: Field | undefined,
  { start, end }: Window,
  params: Params,
  joinSources = false,
): SpanSelection {
  const alone = createUnjoinedRow(params, { start, end })
  const folded = condition && foldConstants(condition)
  const useJoin = joinSources || (folded !== undefined && !canDecideWithoutJoins(folded, alone))
  const row = useJoin ? { ...alone, source: 'r' } : alone
  return selectMatching(
    { row: alone, window: filterByWindow('s', start, end, params), conditions: folded ? [folded] : [] },
    row,
    compileSpanCondition(folded, row),
  )
}

type Prefilter = {
  /** Without joins. */
  readonly row: Row
  readonly window: string
  /** A span that is selected matches one of them; empty: any span may be. */
  readonly conditions: readonly Field[]
}

/** Selects spans by a condition in SQL, after conditions that the sort key or an index decides. */
export function selectMatching({ row: alone, window, conditions }: Prefilter, row: Row, where: string): SpanSelection {
  const join = row.source === undefined ? '' : ` left any join sources as ${row.source} on r.source_id = s.source_id`
  const byColumns = conditions.map((condition) => compileCondition(condition, alone, 'columns'))
  const small = byColumns.length === 0 ? '1' : byColumns.reduce(joinOr)
  const byIndex = listIndexConditions(conditions, alone)
  const select = (columns: string, arrayJoin?: string): string => {
    const more = `${join}${arrayJoin === undefined ? '' : ` array join ${arrayJoin}`}`
    if (byIndex.length === 0) return `select ${columns} from spans as s${more} where ${joinAnd(window, where)}`
    // ClickHouse itself would read attributes before it looks for a value among them.
    const parts = byIndex.map((condition) => `prewhere ${joinAnd(joinAnd(window, small), condition)}`)
    const from = (prewhere: string): string =>
      more === '' ? `spans as s ${prewhere}` : `(select * from spans as s ${prewhere}) as s${more}`
    return parts.map((prewhere) => `select ${columns} from ${from(prewhere)} where ${where}`).join(' union all ')
  }
  return { row, select }
}

/** Compiles a condition for a row of `selectSpans`: without its source if that can decide. */
export function compileSpanCondition(condition: Field | undefined, row: Row): string {
  if (!condition) return '1'
  const folded = foldConstants(condition)
  const alone = { ...row, source: undefined }
  return compileCondition(folded, canDecideWithoutJoins(folded, alone) ? alone : row, 'exact')
}

/**
 * Selects the log events `e` of spans in a window, optionally of those that match a condition.
 */
export function selectLogEvents(condition: Field | undefined, window: Window, params: Params): string {
  const inTime = filterLogsByWindow(window.start, params)
  if (!condition) return selectLogEventRows(inTime)
  const { select } = selectSpans(condition, window, params)
  return selectLogEventRows(`${inTime} and (trace_id, span_id) in (${select('s.trace_id, s.span_id')})`)
}
