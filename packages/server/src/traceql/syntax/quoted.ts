import { TraceQLError } from './errors.ts'

/** Reads the string that begins with the quote at `from`; `to` is after its closing quote. */
export function readQuoted(text: string, from: number): { readonly value: string; readonly to: number } {
  const quote = text.charAt(from)
  let value = ''
  let at = from + 1
  while (at < text.length && text.charAt(at) !== quote) {
    if (quote === '"' && text.charAt(at) === '\\') {
      const escape = readEscape(text, at)
      value += escape.value
      at = escape.to
    } else {
      value += text.charAt(at)
      at++
    }
  }
  if (at < text.length) return { value, to: at + 1 }
  const expected = [`a closing ${quote}`]
  throw new TraceQLError('syntax', 'This string has no closing quote.', { text, from, to: at, expected })
}

// Escapes follow Go, because Tempo unquotes with strconv; backtick strings have no escapes.
const escapes: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
  '\\': '\\',
  '"': '"',
  "'": "'",
}

const codePoint = /x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U(00[01][0-9a-fA-F]{5})/y

function readEscape(text: string, at: number): { value: string; to: number } {
  const letter = text.charAt(at + 1)
  const plain = escapes[letter]
  if (plain !== undefined) return { value: plain, to: at + 2 }
  const hex = matchAt(codePoint, text, at + 1)
  const code = hex === undefined ? Number.NaN : Number.parseInt(hex.slice(1), 16)
  if (hex === undefined || code > 0x10ffff) {
    throw new TraceQLError('syntax', `"\\${letter}" is not a valid escape.`, {
      text,
      from: at,
      to: at + 2,
      expected: ['\\\\', '\\"', '\\n', '\\t', '\\u0041'],
    })
  }
  return { value: String.fromCodePoint(code), to: at + 1 + hex.length }
}

/** Matches a sticky pattern at an index. */
export function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0]
}
