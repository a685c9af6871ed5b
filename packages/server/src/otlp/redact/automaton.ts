import { RegexError, type RegexNode } from './regex-syntax.ts'

/**
 * A deterministic automaton: it reads a byte with one table look-up, whatever the pattern and the
 * text. An assertion depends on the next byte, so a match is reported with the symbol behind it.
 */
export type Automaton = {
  /** Symbol of each byte: bytes that the pattern does not tell apart share one. */
  readonly symbols: Uint8Array
  /** Symbol of the end of the text, the last one. */
  readonly end: number
  /** By state and symbol: twice the next state, plus 1 if a match ended before the symbol. */
  readonly table: Int32Array
  /** First state by the neighbour of the first byte. */
  readonly starts: readonly [edge: number, other: number, word: number]
}

/** What is beside a position: the edge of the text, or a byte. */
const NEIGHBOUR = { edge: 0, other: 1, word: 2 } as const

type Neighbour = (typeof NEIGHBOUR)[keyof typeof NEIGHBOUR]

/** State from which nothing matches. */
export const DEAD = 0

/** Most patterns need fewer than 100 states. Bounds start time and memory. */
const MAX_STATES = 4000
const MAX_STEPS = 2000

/** A step of the nondeterministic automaton; `next` are indexes of steps. */
type Step =
  | { readonly kind: 'byte'; readonly set: Uint8Array; readonly next: number }
  | { readonly kind: 'split'; next: readonly number[] }
  | { readonly kind: 'assertion'; readonly holds: AssertionName; readonly next: number }
  | { readonly kind: 'match' }

type AssertionName = (RegexNode & { kind: 'assertion' })['holds']

type Direction = 'forward' | 'backward'

/**
 * @param direction `forward` reads matches that start at the first byte; `backward` reads a text
 *   from its end and finds every position where a match starts
 * @throws RegexError if the pattern needs too many states
 */
export function createAutomaton(node: RegexNode, direction: Direction): Automaton {
  const steps: Step[] = [{ kind: 'match' }]
  const first = addSteps(node, 0, steps, direction)
  const symbols = groupBytes(steps)
  const end = Math.max(...symbols) + 1
  const samples = Array.from({ length: end }, (_, symbol) => symbols.indexOf(symbol))
  const hasAssertions = steps.some(({ kind }) => kind === 'assertion')
  const states: { readonly kernel: readonly number[]; readonly before: Neighbour }[] = []
  const known = new Map<string, number>()
  const rows: number[][] = []

  const addState = (kernel: readonly number[], before: Neighbour): number => {
    const state = { kernel, before: hasAssertions ? before : NEIGHBOUR.edge }
    const key = `${state.before}:${kernel.join()}`
    const found = known.get(key)
    if (found !== undefined) return found
    if (states.length === MAX_STATES) throw createStatesError()
    known.set(key, states.length)
    return states.push(state) - 1
  }
  const toKernel = (next: readonly number[]): readonly number[] => {
    const all = direction === 'backward' ? [...next, first] : next
    return [...new Set(all)].sort((a, b) => a - b)
  }

  // The first state is DEAD.
  addState([], NEIGHBOUR.edge)
  const starts = [NEIGHBOUR.edge, NEIGHBOUR.other, NEIGHBOUR.word].map((before) => addState(toKernel([first]), before))
  for (const { kernel, before } of states) {
    const row: number[] = []
    for (let symbol = 0; symbol <= end; symbol++) {
      const sample = samples[symbol]
      const after = sample === undefined ? NEIGHBOUR.edge : toNeighbour(sample)
      const [left, right] = direction === 'forward' ? [before, after] : [after, before]
      const reached = followSteps(steps, kernel, left, right)
      const next = reached.flatMap((index) => {
        const step = steps[index]
        return step?.kind === 'byte' && sample !== undefined && step.set[sample] === 1 ? [step.next] : []
      })
      const target = next.length === 0 && direction === 'forward' ? DEAD : addState(toKernel(next), after)
      row.push(2 * target + (reached.includes(0) ? 1 : 0))
    }
    rows.push(row)
  }
  return { symbols, end, table: Int32Array.from(rows.flat()), starts: starts as [number, number, number] }
}

function createStatesError(): RegexError {
  return new RegexError('it needs too many states; use + instead of counts such as {6,18}')
}

export function toNeighbour(byte: number | undefined): Neighbour {
  if (byte === undefined) return NEIGHBOUR.edge
  return /\w/.test(String.fromCharCode(byte)) ? NEIGHBOUR.word : NEIGHBOUR.other
}

/** Adds the steps of a node that continues at `next`. Returns the first one. */
function addSteps(node: RegexNode, next: number, steps: Step[], direction: Direction): number {
  const add = (step: Step): number => {
    if (steps.length === MAX_STEPS) throw createStatesError()
    return steps.push(step) - 1
  }
  switch (node.kind) {
    case 'byte':
      return add({ kind: 'byte', set: node.set, next })
    case 'assertion':
      return add({ kind: 'assertion', holds: node.holds, next })
    case 'choice':
      return add({ kind: 'split', next: node.nodes.map((part) => addSteps(part, next, steps, direction)) })
    case 'sequence': {
      const parts = direction === 'forward' ? node.nodes.toReversed() : node.nodes
      return parts.reduce((after, part) => addSteps(part, after, steps, direction), next)
    }
    case 'repeat': {
      let at = next
      if (node.max === Infinity) {
        const loop: Step = { kind: 'split', next: [next] }
        at = add(loop)
        loop.next = [next, addSteps(node.node, at, steps, direction)]
      } else {
        for (let i = node.min; i < node.max; i++)
          at = add({ kind: 'split', next: [next, addSteps(node.node, at, steps, direction)] })
      }
      for (let i = 0; i < node.min; i++) at = addSteps(node.node, at, steps, direction)
      return at
    }
  }
}

/** Follows splits and assertions. Returns every step that is reached without reading a byte. */
function followSteps(steps: readonly Step[], from: readonly number[], left: Neighbour, right: Neighbour): number[] {
  const reached = new Set(from)
  // A set also iterates over the values added on the way.
  for (const index of reached) {
    const step = steps[index]
    if (step?.kind === 'split') for (const next of step.next) reached.add(next)
    else if (step?.kind === 'assertion' && isTrue(step.holds, left, right)) reached.add(step.next)
  }
  return [...reached]
}

function isTrue(assertion: AssertionName, left: Neighbour, right: Neighbour): boolean {
  switch (assertion) {
    case 'start':
      return left === NEIGHBOUR.edge
    case 'end':
      return right === NEIGHBOUR.edge
    case 'boundary':
      return (left === NEIGHBOUR.word) !== (right === NEIGHBOUR.word)
    case 'no-boundary':
      return (left === NEIGHBOUR.word) === (right === NEIGHBOUR.word)
  }
}

/** Returns the symbol of each byte. */
function groupBytes(steps: readonly Step[]): Uint8Array {
  const sets = steps.flatMap((step) => (step.kind === 'byte' ? [step.set] : []))
  const known = new Map<string, number>()
  return Uint8Array.from({ length: 256 }, (_, byte) => {
    const key = `${toNeighbour(byte)}${sets.map((set) => set[byte]).join('')}`
    const symbol = known.get(key) ?? known.size
    known.set(key, symbol)
    return symbol
  })
}
