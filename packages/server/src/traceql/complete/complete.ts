import { type Scope, scopes } from '../syntax/ast.ts'
import { TraceQLError, tryParse } from '../syntax/errors.ts'
import { intrinsicSpellings, intrinsics } from '../syntax/intrinsics.ts'
import { parse } from '../syntax/parse.ts'
import { kinds, statuses } from '../syntax/parse-field.ts'
import { type Token, tokenize } from '../syntax/tokens.ts'

export type Completion = {
  /** Range of the query that an option replaces: the word at the caret, otherwise empty. */
  readonly from: number
  readonly to: number
  /** Alternatives of the grammar that begin with the word at the caret, best first. */
  readonly options: readonly CompletionOption[]
  /**
   * Set when attribute names fit too: keys of these scopes that begin with `prefix`.
   */
  readonly keys: { readonly scope: Scope; readonly parent: boolean; readonly prefix: string } | undefined
  /** Set when values of this field fit too. */
  readonly valuesOf: { readonly field: string; readonly quoted: boolean } | undefined
}

type CompletionOption = {
  readonly text: string
  readonly kind: 'scope' | 'intrinsic' | 'operator' | 'value' | 'function' | 'punctuation'
}

/**
 * Completes the query at the caret: the alternatives that the parser expected when it failed there.
 * A query that is invalid before the caret has no completions.
 */
export function complete(text: string, caret: number): Completion {
  const before = text.slice(0, caret)
  const open = findOpenString(before)
  const head = open ?? findWordBefore(before)
  const fixed = before.slice(0, head.from)
  const tokens = tryParse(() => tokenize(fixed))
  if (!tokens) return createEmptyCompletion(head.from, caret)
  const field = findFieldBeforeOperator(tokens)
  if (open) {
    const valuesOf = field === undefined ? undefined : { field, quoted: true }
    return { from: open.from, to: findWordEnd(text, caret), options: [], keys: undefined, valuesOf }
  }
  const expected = findExpected(fixed, tokens)
  if (!expected) return createEmptyCompletion(head.from, caret)
  const keys = expected.includes('an attribute') ? parseKeyPrefix(head.text) : undefined
  const options =
    keys && keys.scope !== 'any' ? [] : listOptions(expected, field).filter(({ text }) => hasPrefix(text, head.text))
  const wantsValue = expected.includes('a value') && field !== undefined && head.text === ''
  return {
    from: head.from,
    to: findWordEnd(text, caret),
    options,
    keys,
    valuesOf: wantsValue ? { field, quoted: false } : undefined,
  }
}

type Head = { readonly from: number; readonly text: string }

/** Finds a string that is not closed at the end. */
function findOpenString(before: string): Head | undefined {
  const strings = /"(?:[^"\\]|\\.)*"|`[^`]*`|(?<open>["`](?:[^"\\]|\\.)*)$/gs
  for (const match of before.matchAll(strings)) {
    const open = match.groups?.['open']
    // A quoted part of an attribute name is not a value.
    if (open !== undefined && !/[.\w]$/.test(before.slice(0, match.index)))
      return { from: match.index, text: open.slice(1) }
  }
  return undefined
}

/**
 * Finds the name, intrinsic or keyword that ends at the caret. Operators are not part of the word.
 */
function findWordBefore(before: string): Head {
  // Backwards: a pattern that ends in $ takes quadratic time in a long word.
  let from = before.length
  while (from > 0 && !/[\s{}()=~!<>&|^,"`]/.test(before.charAt(from - 1))) from--
  while (from < before.length && !/[A-Za-z_.]/.test(before.charAt(from))) from++
  return { from, text: before.slice(from) }
}

function findWordEnd(text: string, caret: number): number {
  const rest = /^[A-Za-z0-9_.:-]*/.exec(text.slice(caret))?.[0] ?? ''
  return caret + rest.length
}

/** Lists the parser's alternatives at the end of the text; undefined when it failed earlier. */
function findExpected(text: string, tokens: readonly Token[]): readonly string[] | undefined {
  // Appends a token that no rule matches, so that a complete query also fails and lists what may
  // follow.
  const mark: Token = { kind: 'punctuation', text: '\u0000', from: text.length, to: text.length }
  try {
    parse(text, [...tokens.slice(0, -1), mark])
  } catch (error) {
    if (error instanceof TraceQLError && error.from === text.length) return error.expected
    if (!(error instanceof TraceQLError)) throw error
  }
  return undefined
}

/** Finds the field left of the operator at the end of the text. */
function findFieldBeforeOperator(tokens: readonly Token[]): string | undefined {
  const [field, operator] = tokens.slice(-3, -1)
  if (!field || !operator || !['=', '!=', '=~', '!~', '<', '<=', '>', '>='].includes(operator.text)) return undefined
  if (field.kind === 'attribute') return field.text
  return field.kind === 'word' && intrinsicSpellings.includes(field.text) ? field.text : undefined
}

const scopeNames: readonly string[] = [...scopes.map((scope) => `${scope}.`), 'parent.', '.']

function parseKeyPrefix(head: string): Completion['keys'] {
  const [, parent, scope, prefix = ''] =
    /^(parent\.)?(?:(span|resource|event|link|instrumentation)\.)?\.?(.*)$/.exec(head) ?? []
  return { scope: scopes.find((each) => each === scope) ?? 'any', parent: parent !== undefined, prefix }
}

function listOptions(expected: readonly string[], field: string | undefined): readonly CompletionOption[] {
  return expected.flatMap((what): readonly CompletionOption[] => {
    switch (what) {
      case 'an attribute':
        return field === undefined ? scopeNames.map((text) => ({ text, kind: 'scope' })) : []
      case 'an intrinsic':
        return field === undefined ? intrinsicSpellings.map((text) => ({ text, kind: 'intrinsic' })) : []
      case 'a value':
        return listKeywords(field).map((text) => ({ text, kind: 'value' }))
      default:
        // Others are descriptions such as "a number".
        if (what.includes(' ')) return []
        if (/^[a-z]/.test(what)) return [{ text: what, kind: 'function' }]
        return [{ text: what, kind: /^[{}(),|]$/.test(what) ? 'punctuation' : 'operator' }]
    }
  })
}

/** Lists keywords that can be a value of a field; values of attributes come from spans. */
function listKeywords(field: string | undefined): readonly string[] {
  if (field === undefined) return ['true', 'false', 'nil']
  const type = Object.entries(intrinsics).find(([name]) => name === field || name === `span:${field}`)?.[1].type
  if (type === 'status') return statuses
  if (type === 'kind') return kinds
  return type === undefined ? ['nil', 'true', 'false'] : []
}

function hasPrefix(text: string, head: string): boolean {
  return text.toLowerCase().startsWith(head.toLowerCase())
}

function createEmptyCompletion(from: number, to: number): Completion {
  return { from, to, options: [], keys: undefined, valuesOf: undefined }
}
