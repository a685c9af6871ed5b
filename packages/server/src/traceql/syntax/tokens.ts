import { DURATION_PATTERN, parseDuration } from '@spanlink/api-schema/duration'
import { operators, type Scope, scopes } from './ast.ts'
import { TraceQLError } from './errors.ts'
import { limits } from '../limits.ts'
import { matchAt, readQuoted } from './quoted.ts'

export type Token = { readonly from: number; readonly to: number } & (
  | { readonly kind: 'punctuation' | 'word'; readonly text: string }
  | {
      readonly kind: 'attribute'
      readonly text: string
      readonly scope: Scope
      readonly parent: boolean
      readonly key: string
    }
  | { readonly kind: 'string'; readonly text: string; readonly value: string }
  | { readonly kind: 'int' | 'float' | 'duration'; readonly text: string; readonly value: number }
  | { readonly kind: 'end'; readonly text: '' }
)

/** Splits a query into tokens without blanks and comments. The last token is `end`. */
export function tokenize(text: string): readonly Token[] {
  if (text.length > limits.queryLength) {
    throw new TraceQLError(
      'limit',
      `The query has ${text.length} characters; at most ${limits.queryLength} are supported.`,
    )
  }
  const tokens: Token[] = []
  let at = skipBlank(text, 0)
  while (at < text.length) {
    const token = readToken(text, at)
    tokens.push(token)
    at = skipBlank(text, token.to)
  }
  tokens.push({ kind: 'end', text: '', from: text.length, to: text.length })
  return tokens
}

// Longest first: `&->>` before `&&`, `>>` before `>`.
const punctuation = [...operators, '=~', '!', '{', '}', '(', ')', ',', '|'].sort((a, b) => b.length - a.length)

// As in Tempo, an attribute name ends at whitespace or one of these, so `.a+1` is one name and `.a
// + 1` a sum.
const nameEnd = /[\s{}()=~!<>&|^,]/
const word = /[A-Za-z_][A-Za-z0-9_]*(?::[A-Za-z]+)?/y
const number = /(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y
const duration = new RegExp(`${DURATION_PATTERN}(?![A-Za-z0-9_])`, 'y')

function readToken(text: string, from: number): Token {
  const first = text.charAt(from)
  if (first === '"' || first === '`') {
    const { value, to } = readQuoted(text, from)
    return { kind: 'string', text: text.slice(from, to), value, from, to }
  }
  const quantity = readQuantity(text, from)
  if (quantity) return quantity
  if (first === '.') return readAttribute(text, from, from + 1, 'any', false)
  const name = matchAt(word, text, from)
  if (name !== undefined) return readWord(text, from, name)
  for (const mark of punctuation) {
    if (text.startsWith(mark, from)) return { kind: 'punctuation', text: mark, from, to: from + mark.length }
  }
  throw new TraceQLError('syntax', `Unexpected character "${first}".`, { text, from, to: from + 1 })
}

function readWord(text: string, from: number, name: string): Token {
  const to = from + name.length
  if (text.charAt(to) === '.') {
    const scope = scopes.find((scope) => scope === name)
    if (scope !== undefined) return readAttribute(text, from, to + 1, scope, false)
    if (name === 'parent') {
      const scope = parentScopes.find((scope) => text.startsWith(`${scope}.`, to + 1))
      const start = to + 1 + (scope ? scope.length + 1 : 0)
      return readAttribute(text, from, start, scope ?? 'any', true)
    }
  }
  return { kind: 'word', text: name, from, to }
}

const parentScopes = ['span', 'resource', 'instrumentation'] as const

function readAttribute(text: string, from: number, start: number, scope: Scope, parent: boolean): Token {
  let key = ''
  let at = start
  while (at < text.length && !nameEnd.test(text.charAt(at))) {
    if (text.charAt(at) === '"') {
      const quoted = readQuoted(text, at)
      key += quoted.value
      at = quoted.to
    } else {
      key += text.charAt(at)
      at++
    }
  }
  if (key === '') {
    throw new TraceQLError('syntax', 'An attribute name is missing after the dot.', {
      text,
      from: at,
      to: at,
      expected: ['an attribute name'],
    })
  }
  return { kind: 'attribute', text: text.slice(from, at), scope, parent, key, from, to: at }
}

function readQuantity(text: string, from: number): Token | undefined {
  const time = matchAt(duration, text, from)
  if (time !== undefined) {
    return { kind: 'duration', text: time, value: Number(parseDuration(time) ?? 0n), from, to: from + time.length }
  }
  const digits = matchAt(number, text, from)
  if (digits === undefined) return undefined
  const to = from + digits.length
  const after = matchAt(word, text, to)
  if (after !== undefined) {
    throw new TraceQLError('syntax', `"${digits}${after}" is not a number or duration.`, {
      text,
      from,
      to: to + after.length,
      expected: ['a number', 'a duration such as 100ms or 1h30m'],
    })
  }
  return { kind: /^\d+$/.test(digits) ? 'int' : 'float', text: digits, value: Number(digits), from, to }
}

const blank = /(?:\s|\/\/[^\n]*|\/\*[\s\S]*?\*\/)+/y

function skipBlank(text: string, at: number): number {
  return at + (matchAt(blank, text, at)?.length ?? 0)
}
