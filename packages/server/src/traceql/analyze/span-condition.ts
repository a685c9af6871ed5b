import type { Field } from '../syntax/ast.ts'
import { check } from './check.ts'
import { compileCondition, isDecidedAlone } from '../sql/condition.ts'
import { inWindow, linksInWindow, spansAlone } from '../sql/from.ts'
import { eachLogEvent, logEventsByWindow } from '../sql/log-events.ts'
import { type Need, needsOf } from '../sql/required-columns.ts'
import { spansThatMay } from '../sql/index-prefilter.ts'
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
export function narrowingOf(text: string): Field | undefined {
  const query = parse(text)
  check(query, text)
  const source = query.kind === 'search' && query.pipeline.stages.length === 0 ? query.pipeline.source : undefined
  if (source?.kind !== 'filter' || !isOfSingleSpan(source.condition)) {
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
export function narrowingIn(text: string): Field | undefined {
  try {
    const operands = operandsOf(text, tokenize(text))
    const judged = operands.filter((operand) => conditionOf(`{ ${operand} }`) !== undefined)
    return judged.length === 0 ? undefined : conditionOf(`{ ${judged.join(' && ')} }`)
  } catch (error) {
    if (error instanceof TraceQLError) return undefined
    throw error
  }
}

/** What `&&` joins in the first braces; one text when there is an `||`. */
function operandsOf(text: string, tokens: readonly Token[]): readonly string[] {
  if (tokens[0]?.text !== '{') return []
  const close = tokens.findIndex((token) => isMark(token, '}'))
  const behind = close === -1 ? undefined : tokens[close + 1]
  if (behind && behind.kind !== 'end' && !isMark(behind, '|')) return []
  const inside = tokens.slice(1, close === -1 ? tokens.length - 1 : close)
  const cuts: number[] = []
  let depth = 0
  for (const token of inside) {
    if (isMark(token, '(')) depth++
    if (isMark(token, ')')) depth--
    if (depth === 0 && isMark(token, '||')) return [text.slice(tokens[0].to, inside.at(-1)?.to)]
    if (depth === 0 && isMark(token, '&&')) cuts.push(token.from)
  }
  const end = close === -1 ? text.length : (tokens[close]?.from ?? text.length)
  return [tokens[0].to, ...cuts.map((from) => from + 2)].map((from, at) => text.slice(from, cuts[at] ?? end))
}

function isMark(token: Token, mark: string): boolean {
  return token.kind === 'punctuation' && token.text === mark
}

/** Undefined too for a bare attribute, which a person is about to compare with something. */
function conditionOf(text: string): Field | undefined {
  try {
    const condition = narrowingOf(text)
    return condition?.kind === 'attribute' ? undefined : condition
  } catch (error) {
    if (error instanceof TraceQLError) return undefined
    throw error
  }
}

function isOfSingleSpan(condition: Field | undefined): boolean {
  const needs = condition ? needsOf(condition) : new Set<Need>()
  return !(['parent', 'trace', 'children', 'tree'] as const).some((need) => needs.has(need))
}

/**
 * FROM and WHERE of the spans in a window that a condition holds for, joined with what it and the
 * fields take.
 */
export function spansThat(
  condition: Field | undefined,
  { start, end, maxTraceId }: Window,
  params: Params,
  fields: readonly Field[] = [],
): { readonly from: string; readonly where: string; readonly row: Row } {
  const alone = spansAlone(params, { start, end })
  const folded = condition && foldConstants(condition)
  const isAlone = !folded || isDecidedAlone(folded, alone)
  const useJoin = !isAlone || fields.some((field) => needsOf(field).has('source'))
  const row = useJoin ? { ...alone, source: 'r' } : alone
  const window = `${inWindow('s', start, end, params)}${upTo('s', maxTraceId, params)}`
  return {
    from: `${folded ? spansThatMay([folded], alone, window) : 'spans as s'}${useJoin ? ' left any join sources as r on r.source_id = s.source_id' : ''}`,
    where: folded ? `${window} and ${compileCondition(folded, isAlone ? alone : row, 'exact')}` : window,
    row,
  }
}

function upTo(row: string, maxTraceId: string | undefined, params: Params): string {
  return maxTraceId === undefined
    ? ''
    : ` and ${row}.trace_id <= toFixedString(unhex(${params.add('String', maxTraceId)}), 16)`
}

/**
 * SQL for the log events `e` of spans in a window, of all or of those that a condition holds for.
 */
export function logEventsOf(condition: Field | undefined, window: Window, params: Params): string {
  const inTime = `${logEventsByWindow(window.start, params)}${upTo('logs', window.maxTraceId, params)}`
  if (!condition) return eachLogEvent(inTime)
  const { from, where } = spansThat(condition, window, params)
  return eachLogEvent(`${inTime} and (trace_id, span_id) in (select s.trace_id, s.span_id from ${from} where ${where})`)
}

/**
 * WHERE of the links that spans carry, of all in a window or of those that a condition holds for.
 */
export function linksOf(condition: Field | undefined, window: Window, params: Params): string {
  const out = `l.direction = 'out' and ${linksInWindow(window, params)}`
  // By trace id, as links are in no order of time.
  if (!condition) {
    const all = inWindow('s', window.start, window.end, params)
    return `${out} and l.trace_id in (select s.trace_id from spans as s where ${all}${upTo('s', window.maxTraceId, params)})`
  }
  const { from, where } = spansThat(condition, window, params)
  return `${out} and (l.trace_id, l.span_id) in (select s.trace_id, s.span_id from ${from} where ${where})`
}
