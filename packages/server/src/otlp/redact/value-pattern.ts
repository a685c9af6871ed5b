import { type Automaton, createAutomaton, DEAD, toNeighbour } from './automaton.ts'
import { parseRegex } from './regex-syntax.ts'

export const REDACTED = '[redacted]'

const REDACTED_BYTES = Buffer.from(REDACTED)

/** Beyond these, the whole value is replaced: they bound time and memory of hostile values. */
const MAX_MATCHES = 1024
const MAX_READS_PER_BYTE = 4
const MIN_MAX_READS = 4096

/**
 * Not a RegExp, which backtracks: one for e-mail addresses takes 27 ms on 4 KiB of "a", and 57 s on
 * the 2,000 such values that fit in a span.
 *
 * Returns the bytes from `at` to `end` with each match replaced, or undefined if nothing matches. A
 * match starts as far left as possible and is as long as possible.
 */
export type ValuePattern = (bytes: Uint8Array, at: number, end: number) => Buffer | undefined

/** @throws RegexError */
export function createValuePattern(source: string, ignoreCase: boolean): ValuePattern {
  const node = parseRegex(source, ignoreCase)
  const backward = createAutomaton(node, 'backward')
  const forward = createAutomaton(node, 'forward')
  return (bytes, at, end) => {
    const starts = findStarts(backward, bytes, at, end)
    return starts === undefined ? undefined : replaceMatches(forward, starts, bytes, at, end)
  }
}

/** Returns a flag for each position where a match starts, or undefined if there is none. */
function findStarts(automaton: Automaton, bytes: Uint8Array, at: number, end: number): Uint8Array | undefined {
  const { symbols, table } = automaton
  const width = automaton.end + 1
  let starts: Uint8Array | undefined
  let state = automaton.starts[0]
  for (let i = end - 1; i >= at; i--) {
    const target = table[state * width + (symbols[bytes[i] as number] as number)] as number
    state = target >> 1
    if ((target & 1) === 1) (starts ??= new Uint8Array(end - at))[i + 1 - at] = 1
  }
  if (((table[state * width + automaton.end] as number) & 1) === 1) (starts ??= new Uint8Array(end - at))[0] = 1
  return starts
}

function replaceMatches(automaton: Automaton, starts: Uint8Array, bytes: Uint8Array, at: number, end: number): Buffer {
  const { symbols, table } = automaton
  const width = automaton.end + 1
  const parts: Uint8Array[] = []
  let reads = Math.max(MIN_MAX_READS, MAX_READS_PER_BYTE * (end - at))
  let behind = -1
  for (let start = starts.indexOf(1); start >= 0; start = starts.indexOf(1, behind - at)) {
    start += at
    let state = automaton.starts[toNeighbour(start === at ? undefined : bytes[start - 1])]
    let matchEnd = start
    let i = start
    for (; i <= end && state !== DEAD; i++) {
      const symbol = i === end ? automaton.end : (symbols[bytes[i] as number] as number)
      const target = table[state * width + symbol] as number
      if ((target & 1) === 1) matchEnd = i
      state = target >> 1
    }
    reads -= i - start
    if (reads < 0 || parts.length >= 2 * MAX_MATCHES) return REDACTED_BYTES
    // Adjacent matches become one.
    if (start !== behind) parts.push(bytes.subarray(Math.max(at, behind), start), REDACTED_BYTES)
    behind = matchEnd
  }
  return Buffer.concat([...parts, bytes.subarray(behind, end)])
}
