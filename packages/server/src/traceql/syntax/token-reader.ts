import { TraceQLError } from './errors.ts'
import { limits } from '../limits.ts'
import { type Token, tokenize } from './tokens.ts'

/**
 * Reads the tokens of a query. Remembers every alternative that the current token did not match,
 * for error messages and completion.
 */
export class TokenReader {
  readonly text: string
  readonly tokens: readonly Token[]
  #index = 0
  #depth = 0
  #operators = 0
  #expected = new Set<string>()

  constructor(text: string, tokens: readonly Token[] = tokenize(text)) {
    this.text = text
    this.tokens = tokens
  }

  /** Returns the current token or one that follows. */
  peek(ahead = 0): Token {
    const { length } = this.text
    return this.tokens[this.#index + ahead] ?? { kind: 'end', text: '', from: length, to: length }
  }

  next(): Token {
    const token = this.peek()
    this.#index++
    this.#expected = new Set()
    return token
  }

  /** Whether the current token is this punctuation or word; remembers it as expected if not. */
  at(text: string): boolean {
    const token = this.peek()
    if ((token.kind === 'punctuation' || token.kind === 'word') && token.text === text) return true
    this.#expected.add(text)
    return false
  }

  /** Consumes the token if it matches. */
  take(text: string): boolean {
    return this.takeAny([text]) !== undefined
  }

  /** Consumes the token if it is one of these. */
  takeAny<Text extends string>(texts: readonly Text[]): Text | undefined {
    const text = texts.find((each) => this.at(each))
    if (text !== undefined) this.next()
    return text
  }

  /** Consumes the token or fails. */
  expect(text: string): Token {
    return this.at(text) ? this.next() : this.fail()
  }

  /** Consumes the token and returns its value, or fails: `what` then names what was expected. */
  read<Value>(what: string, toValue: (token: Token) => Value | undefined): Value {
    this.allow(what)
    const value = toValue(this.peek())
    if (value === undefined) this.fail()
    this.next()
    return value
  }

  /** Remembers further alternatives, as text for messages. */
  allow(...what: readonly string[]): void {
    for (const each of what) this.#expected.add(each)
  }

  /** Throws: no alternative matches the current token. */
  fail(): never {
    const { kind, text, from, to } = this.peek()
    const expected = sortByUsefulness([...this.#expected])
    const found = kind === 'end' ? 'end of query' : `"${shorten(text)}"`
    throw new TraceQLError('syntax', `Unexpected ${found}, expected ${joinAlternatives(expected)}`, {
      text: this.text,
      from,
      to,
      expected,
    })
  }

  failAt({ from, to }: { readonly from: number; readonly to: number }, message: string): never {
    throw new TraceQLError('syntax', message, { text: this.text, from, to })
  }

  /** Consumes one of these operators if present, within the limit of operators. */
  takeOperator<Op extends string>(ops: readonly Op[]): Op | undefined {
    const { from, to } = this.peek()
    const op = this.takeAny(ops)
    if (op !== undefined && ++this.#operators > limits.operators) {
      const message = `The query has more than ${limits.operators} operators.`
      throw new TraceQLError('limit', message, { text: this.text, from, to })
    }
    return op
  }

  /** Reads operands that operators of one precedence join, left-associative. */
  readOperations<Node, Op extends string>(
    ops: readonly Op[],
    operand: () => Node,
    join: (op: Op, left: Node, right: Node) => Node,
  ): Node {
    let left = operand()
    for (;;) {
      const op = this.takeOperator(ops)
      if (op === undefined) return left
      left = join(op, left, operand())
    }
  }

  /** Runs a nested rule, within the depth limit. */
  readNested<T>(rule: () => T): T {
    if (this.#depth >= limits.depth) {
      const { from, to } = this.peek()
      const message = `The query nests deeper than ${limits.depth} levels.`
      throw new TraceQLError('limit', message, { text: this.text, from, to })
    }
    this.#depth++
    const result = rule()
    this.#depth--
    return result
  }
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

/** Joins two operands to a node of this kind, for `readOperations`. */
export function joinAs<Kind extends string>(kind: Kind) {
  return <Op, Left extends Range, Right extends Range>(op: Op, left: Left, right: Right) => ({
    kind,
    op,
    left,
    right,
    from: left.from,
    to: right.to,
  })
}

type Range = { readonly from: number; readonly to: number }
