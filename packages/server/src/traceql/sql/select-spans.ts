import type { Field } from '../syntax/ast.ts'
import { foldConstants } from '../analyze/constant-folding.ts'
import type { Window } from '../execute/search.ts'
import { compileCondition, canDecideWithoutJoins } from './condition.ts'
import { filterByWindow, filterLinksByWindow, createUnjoinedRow } from './from.ts'
import { prefilterByIndex } from './index-prefilter.ts'
import { selectLogEventRows, filterLogsByWindow } from './log-events.ts'
import type { Params } from './params.ts'
import type { Row } from './row.ts'

/**
 * FROM and WHERE of the spans in a window that match a condition. Joins sources if the condition
 * requires it or `joinSources` is set.
 */
export function selectSpans(
  condition: Field | undefined,
  { start, end, maxTraceId }: Window,
  params: Params,
  joinSources = false,
): { readonly from: string; readonly where: string; readonly row: Row } {
  const alone = createUnjoinedRow(params, { start, end })
  const folded = condition && foldConstants(condition)
  const useJoin = joinSources || (folded !== undefined && !canDecideWithoutJoins(folded, alone))
  const row = useJoin ? { ...alone, source: 'r' } : alone
  const window = `${filterByWindow('s', start, end, params)}${filterByMaxTraceId('s', maxTraceId, params)}`
  return {
    from: `${folded ? prefilterByIndex([folded], alone, window) : 'spans as s'}${useJoin ? ' left any join sources as r on r.source_id = s.source_id' : ''}`,
    where: folded ? `${window} and ${compileSpanCondition(folded, row)}` : window,
    row,
  }
}

/** Compiles a condition for a row of `selectSpans`: without its source if that can decide. */
export function compileSpanCondition(condition: Field | undefined, row: Row): string {
  if (!condition) return '1'
  const folded = foldConstants(condition)
  const alone = { ...row, source: undefined }
  return compileCondition(folded, canDecideWithoutJoins(folded, alone) ? alone : row, 'exact')
}

function filterByMaxTraceId(row: string, maxTraceId: string | undefined, params: Params): string {
  return maxTraceId === undefined
    ? ''
    : ` and ${row}.trace_id <= toFixedString(unhex(${params.add('String', maxTraceId)}), 16)`
}

/**
 * Selects the log events `e` of spans in a window, optionally of those that match a condition.
 */
export function selectLogEvents(condition: Field | undefined, window: Window, params: Params): string {
  const inTime = `${filterLogsByWindow(window.start, params)}${filterByMaxTraceId('logs', window.maxTraceId, params)}`
  if (!condition) return selectLogEventRows(inTime)
  const { from, where } = selectSpans(condition, window, params)
  return selectLogEventRows(
    `${inTime} and (trace_id, span_id) in (select s.trace_id, s.span_id from ${from} where ${where})`,
  )
}

/**
 * WHERE of the links of spans in a window, optionally of those that match a condition.
 */
export function filterLinks(condition: Field | undefined, window: Window, params: Params): string {
  const out = `l.direction = 'out' and ${filterLinksByWindow(window, params)}`
  // By trace id: links are not ordered by time.
  if (!condition) {
    const all = filterByWindow('s', window.start, window.end, params)
    return `${out} and l.trace_id in (select s.trace_id from spans as s where ${all}${filterByMaxTraceId('s', window.maxTraceId, params)})`
  }
  const { from, where } = selectSpans(condition, window, params)
  return `${out} and (l.trace_id, l.span_id) in (select s.trace_id, s.span_id from ${from} where ${where})`
}
