import { TraceQLError } from './errors.ts'
import { limits } from '../limits.ts'
import { type Token, tokenize } from './tokens.ts'

/**
 * Reads the tokens of a query. Remembers every alternative that the current token did not match,
 * for error messages and completion.
 */
export type TokenReader = {
  readonly text: string
  readonly tokens: readonly Token[]
  peek(): Token
  /** Token after the current one. */
  peekNext(): Token
  next(): Token
  /** Whether the current token is this punctuation or word; remembers it as expected if not. */
  at(text: string): boolean
  /** Consumes the token if it matches. */
  take(text: string): boolean
  /** Consumes the token or fails. */
  expect(text: string): Token
  /** Remembers further alternatives, as text for messages. */
  allow(...what: readonly string[]): void
  /** Throws: no alternative matches the current token. */
  fail(): never
  failAt(range: { readonly from: number; readonly to: number }, message: string): never
  /** Consumes one of these operators if present, within the limit of operators. */
  takeOperator<Op extends string>(ops: readonly Op[]): Op | undefined
  /** Runs a nested rule, within the depth limit. */
  readNested<T>(rule: () => T): T
}

export function createTokenReader(text: string, tokens: readonly Token[] = tokenize(text)): TokenReader {
  const last: Token = tokens.at(-1) ?? { kind: 'end', text: '', from: text.length, to: text.length }
  let index = 0
  let depth = 0
  let operators = 0
  let expected = new Set<string>()
  const peek = (): Token => tokens[index] ?? last
  const is = (what: string): boolean => {
    const token = peek()
    return (token.kind === 'punctuation' || token.kind === 'word') && token.text === what
  }
  const next = (): Token => {
    const token = peek()
    index++
    expected = new Set()
    return token
  }
  const cursor: TokenReader = {
    text,
    tokens,
    peek,
    peekNext: () => tokens[index + 1] ?? last,
    next,
    at(what) {
      if (is(what)) return true
      expected.add(what)
      return false
    },
    take(what) {
      if (!cursor.at(what)) return false
      next()
      return true
    },
    expect(what) {
      if (!cursor.at(what)) cursor.fail()
      return next()
    },
    allow(...what) {
      for (const each of what) expected.add(each)
    },
    fail() {
      const token = peek()
      const wanted = sortByUsefulness([...expected])
      const found = token.kind === 'end' ? 'end of query' : `"${shorten(token.text)}"`
      throw new TraceQLError('syntax', `Unexpected ${found}, expected ${joinAlternatives(wanted)}`, {
        text,
        from: token.from,
        to: token.to,
        expected: wanted,
      })
    },
    failAt(range, message) {
      throw new TraceQLError('syntax', message, { text, from: range.from, to: range.to })
    },
    takeOperator(ops) {
      const op = ops.find((each) => cursor.at(each))
      if (op === undefined) return undefined
      const { from, to } = next()
      if (++operators > limits.operators) {
        throw new TraceQLError('limit', `The query has more than ${limits.operators} operators.`, { text, from, to })
      }
      return op
    },
    readNested(rule) {
      if (depth >= limits.depth) {
        const { from, to } = peek()
        throw new TraceQLError('limit', `The query nests deeper than ${limits.depth} levels.`, { text, from, to })
      }
      depth++
      const result = rule()
      depth--
      return result
    },
  }
  return cursor
}

/**
 * Closing brackets first, then names and values, then operators: most often missing first.
 */
function sortByUsefulness(wanted: readonly string[]): string[] {
  const rank = (what: string): number => ('})'.includes(what) ? 0 : /^[a-z{(]/.test(what) ? 1 : 2)
  return [...wanted].sort((a, b) => rank(a) - rank(b))
}

function joinAlternatives(wanted: readonly string[]): string {
  if (wanted.length === 0) return 'end of query'
  if (wanted.length === 1) return wanted[0] ?? ''
  const shown = wanted.slice(0, 12).map((what) => (/^[a-z]+( |$)/.test(what) ? what : `"${what}"`))
  const last = wanted.length > 12 ? '…' : shown.pop()
  return `${shown.join(', ')} or ${last}`
}

function shorten(text: string): string {
  return text.length > 40 ? `${text.slice(0, 39)}…` : text
}
