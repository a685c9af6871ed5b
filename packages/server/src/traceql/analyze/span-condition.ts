import type { Field } from '../syntax/ast.ts'
import { needsOtherSpans } from '../sql/required-columns.ts'
import { TraceQLError, tryParse } from '../syntax/errors.ts'
import { type Token, tokenize } from '../syntax/tokens.ts'
import { parseChecked } from './check.ts'

/**
 * Parses a query with one filter to its condition; undefined when it matches every span.
 * Attribute names and values are then those of matching spans.
 *
 * @throws TraceQLError when the query is invalid or needs more than single spans
 */
export function parseSpanCondition(text: string): Field | undefined {
  const query = parseChecked(text)
  const source = query.kind === 'search' && query.pipeline.stages.length === 0 ? query.pipeline.source : undefined
  if (source?.kind !== 'filter' || needsOtherSpans(source.condition)) {
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
  const operands = tryParse(() => splitOperands(text, tokenize(text))) ?? []
  const supported = operands.filter((operand) => tryParseCondition(`{ ${operand} }`) !== undefined)
  return supported.length === 0 ? undefined : tryParseCondition(`{ ${supported.join(' && ')} }`)
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
  const condition = tryParse(() => parseSpanCondition(text))
  return condition?.kind === 'attribute' ? undefined : condition
}
