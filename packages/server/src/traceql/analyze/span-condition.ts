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
 * The condition that a query's one filter has, for names and values to be those of spans it holds
 * for; undefined when it holds for all.
 *
 * @throws TraceQLError when that is no query, or one about more than single spans
 */
export function parseSpanCondition(text: string): Field | undefined {
  const query = parse(text)
  check(query, text)
  const source = query.kind === 'search' && query.pipeline.stages.length === 0 ? query.pipeline.source : undefined
  if (source?.kind !== 'filter' || !needsOnlySpan(source.condition)) {
    throw new TraceQLError('unsupported', 'Names and values are narrowed by one filter about single spans.', {
      text,
      from: query.from,
      to: query.to,
    })
  }
  return source.condition
}

/**
 * The same of a query in the making, as Tempo reads it: of conditions joined by `&&` those that can
 * be judged, and nothing of what is no filter at all, or joins several.
 */
export function parsePartialCondition(text: string): Field | undefined {
  try {
    const operands = splitOperands(text, tokenize(text))
    const judged = operands.filter((operand) => tryParseCondition(`{ ${operand} }`) !== undefined)
    return judged.length === 0 ? undefined : tryParseCondition(`{ ${judged.join(' && ')} }`)
  } catch (error) {
    if (error instanceof TraceQLError) return undefined
    throw error
  }
}

/** What `&&` joins in the first braces; one text when there is an `||`. */
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

/** Undefined too for a bare attribute, which a person is about to compare with something. */
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
 * FROM and WHERE of the spans in a window that a condition holds for, joined with what it and the
 * fields take.
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
 * SQL for the log events `e` of spans in a window, of all or of those that a condition holds for.
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
 * WHERE of the links that spans carry, of all in a window or of those that a condition holds for.
 */
export function filterLinks(condition: Field | undefined, window: Window, params: Params): string {
  const out = `l.direction = 'out' and ${filterLinksByWindow(window, params)}`
  // By trace id, as links are in no order of time.
  if (!condition) {
    const all = filterByWindow('s', window.start, window.end, params)
    return `${out} and l.trace_id in (select s.trace_id from spans as s where ${all}${filterByMaxTraceId('s', window.maxTraceId, params)})`
  }
  const { from, where } = selectSpans(condition, window, params)
  return `${out} and (l.trace_id, l.span_id) in (select s.trace_id, s.span_id from ${from} where ${where})`
}
