import type { Field } from '../syntax/ast.ts'
import { check } from './check.ts'
import { compileCondition, canDecideWithoutJoins } from '../sql/condition.ts'
import { filterByWindow, filterLinksByWindow, createUnjoinedRow } from '../sql/from.ts'
import { selectLogEventRows, filterLogsByWindow } from '../sql/log-events.ts'
import { type ColumnGroup, getRequiredColumns } from '../sql/required-columns.ts'
import { prefilterByIndex } from '../sql/index-prefilter.ts'
import type { Params } from '../sql/params.ts'
import type { Row } from '../sql/row.ts'
import { TraceQLError } from '../syntax/errors.ts'
import { foldConstants } from './constant-folding.ts'
import { parse } from '../syntax/parse.ts'
import type { Window } from '../execute/search.ts'
import { type Token, tokenize } from '../syntax/tokens.ts'

/**
 * Parses a query with one filter to its condition; undefined when it matches every span.
 * Attribute names and values are then those of matching spans.
 *
 * @throws TraceQLError when the query is invalid or needs more than single spans
 */
export function parseSpanCondition(text: string): Field | undefined {
  const query = parse(text)
  check(query, text)
  const source = query.kind === 'search' && query.pipeline.stages.length === 0 ? query.pipeline.source : undefined
  if (source?.kind !== 'filter' || !needsOnlySpan(source.condition)) {
    throw new TraceQLError('unsupported', 'Attribute names and values support only one filter on single spans here.', {
      text,
      from: query.from,
      to: query.to,
    })
  }
  return source.condition
}

/**
 * Parses an incomplete query, as Tempo does: of conditions joined by `&&`, the valid ones.
 * Undefined when the text is not one filter.
 */
export function parsePartialCondition(text: string): Field | undefined {
  try {
    const operands = splitOperands(text, tokenize(text))
    const supported = operands.filter((operand) => tryParseCondition(`{ ${operand} }`) !== undefined)
    return supported.length === 0 ? undefined : tryParseCondition(`{ ${supported.join(' && ')} }`)
  } catch (error) {
    if (error instanceof TraceQLError) return undefined
    throw error
  }
}

/** Splits the first filter at `&&`; one text when it contains `||`. */
function splitOperands(text: string, tokens: readonly Token[]): readonly string[] {
  if (tokens[0]?.text !== '{') return []
  const close = tokens.findIndex((token) => isPunctuation(token, '}'))
  const behind = close === -1 ? undefined : tokens[close + 1]
  if (behind && behind.kind !== 'end' && !isPunctuation(behind, '|')) return []
  const inside = tokens.slice(1, close === -1 ? tokens.length - 1 : close)
  const cuts: number[] = []
  let depth = 0
  for (const token of inside) {
    if (isPunctuation(token, '(')) depth++
    if (isPunctuation(token, ')')) depth--
    if (depth === 0 && isPunctuation(token, '||')) return [text.slice(tokens[0].to, inside.at(-1)?.to)]
    if (depth === 0 && isPunctuation(token, '&&')) cuts.push(token.from)
  }
  const end = close === -1 ? text.length : (tokens[close]?.from ?? text.length)
  return [tokens[0].to, ...cuts.map((from) => from + 2)].map((from, at) => text.slice(from, cuts[at] ?? end))
}

function isPunctuation(token: Token, mark: string): boolean {
  return token.kind === 'punctuation' && token.text === mark
}

/** Also undefined for a bare attribute, whose comparison is not typed yet. */
function tryParseCondition(text: string): Field | undefined {
  try {
    const condition = parseSpanCondition(text)
    return condition?.kind === 'attribute' ? undefined : condition
  } catch (error) {
    if (error instanceof TraceQLError) return undefined
    throw error
  }
}

function needsOnlySpan(condition: Field | undefined): boolean {
  const needs = condition ? getRequiredColumns(condition) : new Set<ColumnGroup>()
  return !(['parent', 'trace', 'children', 'tree'] as const).some((need) => needs.has(need))
}

/**
 * FROM and WHERE of the spans in a window that match a condition, with the joins that it and the
 * fields require.
 */
export function selectSpans(
  condition: Field | undefined,
  { start, end, maxTraceId }: Window,
  params: Params,
  fields: readonly Field[] = [],
): { readonly from: string; readonly where: string; readonly row: Row } {
  const alone = createUnjoinedRow(params, { start, end })
  const folded = condition && foldConstants(condition)
  const isAlone = !folded || canDecideWithoutJoins(folded, alone)
  const useJoin = !isAlone || fields.some((field) => getRequiredColumns(field).has('source'))
  const row = useJoin ? { ...alone, source: 'r' } : alone
  const window = `${filterByWindow('s', start, end, params)}${filterByMaxTraceId('s', maxTraceId, params)}`
  return {
    from: `${folded ? prefilterByIndex([folded], alone, window) : 'spans as s'}${useJoin ? ' left any join sources as r on r.source_id = s.source_id' : ''}`,
    where: folded ? `${window} and ${compileCondition(folded, isAlone ? alone : row, 'exact')}` : window,
    row,
  }
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
