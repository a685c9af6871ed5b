/**
 * The regular expressions of `--redact`: JavaScript's syntax without look-around, back-references,
 * lazy quantifiers and named groups, so that an automaton can match them in linear time. They match
 * the bytes of UTF-8.
 */
export type RegexNode =
  /** One byte of the set: 256 flags. */
  | { readonly kind: 'byte'; readonly set: Uint8Array }
  | { readonly kind: 'sequence' | 'choice'; readonly nodes: readonly RegexNode[] }
  | { readonly kind: 'repeat'; readonly node: RegexNode; readonly min: number; readonly max: number }
  | { readonly kind: 'assertion'; readonly holds: 'start' | 'end' | 'boundary' | 'no-boundary' }

/** The message says why the expression is not supported. */
export class RegexError extends Error {}

/** @throws RegexError */
export function parseRegex(source: string, ignoreCase: boolean): RegexNode {
  try {
    RegExp(source)
  } catch (cause) {
    throw new RegexError('invalid regular expression', { cause })
  }
  let at = 0
  const node = parseChoice()
  if (canBeEmpty(node)) throw new RegexError('it matches the empty text')
  return node

  function parseChoice(): RegexNode {
    const nodes = [parseSequence()]
    while (source[at] === '|') {
      at++
      nodes.push(parseSequence())
    }
    return { kind: 'choice', nodes }
  }

  function parseSequence(): RegexNode {
    const nodes: RegexNode[] = []
    while (at < source.length && source[at] !== '|' && source[at] !== ')') nodes.push(parseRepeat(parseAtom()))
    return { kind: 'sequence', nodes }
  }

  function parseRepeat(node: RegexNode): RegexNode {
    const [text, symbol = '', low = '', comma, high] = QUANTIFIER.exec(source.slice(at)) ?? ['']
    if (text === '') return node
    at += text.length
    if (source[at] === '?') throw new RegexError('lazy quantifiers are not supported')
    const [min, max] = REPEATS[symbol] ?? [Number(low), comma === undefined ? Number(low) : Number(high || Infinity)]
    return { kind: 'repeat', node, min, max }
  }

  function parseAtom(): RegexNode {
    const char = String.fromCodePoint(source.codePointAt(at) ?? 0)
    at += char.length
    switch (char) {
      case '(': {
        if (source[at] === '?' && source[at + 1] !== ':')
          throw new RegexError('only groups (…) and (?:…) are supported')
        if (source[at] === '?') at += 2
        const node = parseChoice()
        at++
        return node
      }
      case '[':
        return parseClass()
      case '.':
        return toNode({ bytes: [0x0a, 0x0d], isNegated: true })
      case '^':
        return { kind: 'assertion', holds: 'start' }
      case '$':
        return { kind: 'assertion', holds: 'end' }
      case '\\':
        return parseEscape()
      case '{':
        throw new RegexError('a literal { must be escaped')
      default:
        return toLiteral(char)
    }
  }

  function parseEscape(): RegexNode {
    const letter = source[at++] ?? ''
    if (letter === 'b') return { kind: 'assertion', holds: 'boundary' }
    if (letter === 'B') return { kind: 'assertion', holds: 'no-boundary' }
    return CLASSES[letter] === undefined ? toLiteral(unescape(letter)) : toNode(CLASSES[letter])
  }

  function parseClass(): RegexNode {
    const isNegated = source[at] === '^'
    if (isNegated) at++
    const union = new Uint8Array(256)
    for (; source[at] !== ']'; at++) {
      const low = parseClassChar(union)
      if (low === undefined || source[at + 1] !== '-' || source[at + 2] === ']') {
        if (low !== undefined) union[low] = 1
        continue
      }
      at += 2
      const high = parseClassChar(union)
      if (high === undefined) throw new RegexError('a range in […] must end in a character')
      union.fill(1, low, high + 1)
    }
    at++
    // A byte above 127 stands for all characters that are not ASCII.
    return toNode({ bytes: listBytes(ignoreCase ? addOtherCase(union) : union), isNegated })
  }

  /** Returns the character at the position, or adds the class there to `union`. */
  function parseClassChar(union: Uint8Array): number | undefined {
    let char = source[at] ?? ''
    if (char === '\\') {
      const letter = source[++at] ?? ''
      const set = CLASSES[letter]
      if (set !== undefined) {
        for (const byte of listBytes(toSet(set))) union[byte] = 1
        return undefined
      }
      char = unescape(letter)
    }
    if (char > '\x7f') throw new RegexError('[…] supports ASCII only')
    return char.charCodeAt(0)
  }

  function toLiteral(char: string): RegexNode {
    const nodes = Array.from(Buffer.from(char), (byte): RegexNode => {
      const set = new Uint8Array(256)
      set[byte] = 1
      return { kind: 'byte', set: ignoreCase ? addOtherCase(set) : set }
    })
    return { kind: 'sequence', nodes }
  }
}

const QUANTIFIER = /^(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})/

const REPEATS: Readonly<Record<string, readonly [min: number, max: number]>> = {
  '*': [0, Infinity],
  '+': [1, Infinity],
  '?': [0, 1],
}

/** ASCII bytes; negated, also all other characters. */
type CharClass = { readonly bytes: readonly number[]; readonly isNegated: boolean }

const DIGITS = range('0', '9')
const WORD = [...DIGITS, ...range('A', 'Z'), ...range('a', 'z'), 0x5f]
const SPACE = [0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x20]

const CLASSES: Readonly<Record<string, CharClass>> = {
  d: { bytes: DIGITS, isNegated: false },
  D: { bytes: DIGITS, isNegated: true },
  w: { bytes: WORD, isNegated: false },
  W: { bytes: WORD, isNegated: true },
  s: { bytes: SPACE, isNegated: false },
  S: { bytes: SPACE, isNegated: true },
}

const CONTROLS: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f', v: '\v' }

function unescape(letter: string): string {
  const char = CONTROLS[letter] ?? letter
  if (/^[1-9]$/.test(char)) throw new RegexError('back-references are not supported')
  if (/^[a-z0]?$/i.test(char)) throw new RegexError(`the escape \\${letter} is not supported`)
  return char
}

const LEAD: RegexNode = { kind: 'byte', set: new Uint8Array(256).fill(1, 0xc0) }
const CONTINUATION: RegexNode = { kind: 'byte', set: new Uint8Array(256).fill(1, 0x80, 0xc0) }

/** One character of UTF-8 that is not ASCII. */
const NON_ASCII: RegexNode = {
  kind: 'sequence',
  nodes: [LEAD, { kind: 'repeat', node: CONTINUATION, min: 0, max: Infinity }],
}

function toNode(charClass: CharClass): RegexNode {
  const all = toSet(charClass)
  const ascii: RegexNode = { kind: 'byte', set: all.slice().fill(0, 0x80) }
  return all[0x80] === 0 ? ascii : { kind: 'choice', nodes: [ascii, NON_ASCII] }
}

function toSet({ bytes, isNegated }: CharClass): Uint8Array {
  const set = new Uint8Array(256).fill(isNegated ? 1 : 0)
  for (const byte of bytes) set[byte] = isNegated ? 0 : 1
  return set
}

function listBytes(set: Uint8Array): number[] {
  return Array.from(set.keys()).filter((byte) => set[byte] === 1)
}

function addOtherCase(set: Uint8Array): Uint8Array {
  const both = set.slice()
  for (const byte of range('a', 'z'))
    both[byte] = both[byte - 0x20] = (set[byte] as number) | (set[byte - 0x20] as number)
  return both
}

function range(low: string, high: string): number[] {
  const first = low.charCodeAt(0)
  return Array.from({ length: high.charCodeAt(0) - first + 1 }, (_, index) => first + index)
}

function canBeEmpty(node: RegexNode): boolean {
  switch (node.kind) {
    case 'byte':
      return false
    case 'sequence':
      return node.nodes.every(canBeEmpty)
    case 'choice':
      return node.nodes.some(canBeEmpty)
    case 'repeat':
      return node.min === 0 || canBeEmpty(node.node)
    case 'assertion':
      return true
  }
}
