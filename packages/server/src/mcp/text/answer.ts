import { cutText, removeHidden } from './quote.ts'

/** Text of a tool's answer, most important first. */
export type Answer = {
  /** The answer in one sentence. */
  readonly headline: string
  /** Facts, a line each. Lines that don't fit into the budget are left out from the end. */
  readonly lines: readonly string[]
  /** The searched range, the page and the next call: always printed. */
  readonly footer: readonly string[]
  /** How to see fewer or other lines: `search with a smaller limit`. */
  readonly narrow: string
}

export const MIN_ANSWER_CHARS = 2000
export const MAX_ANSWER_CHARS = 60_000
export const DEFAULT_ANSWER_CHARS = 20_000

// Headline, footer and note fit into the smallest budget together, with their line breaks.
const MAX_HEADLINE_CHARS = 500
const MAX_FOOTER_CHARS = 1200
const MAX_NOTE_CHARS = 250
const MAX_LINE_CHARS = 1000

/**
 * Writes an answer of at most `maxChars` UTF-16 units. This is the only place that builds the text
 * of answers, so none is longer. Says how many lines are left out, and how to see them.
 */
export function writeAnswer({ headline, lines, footer, narrow }: Answer, maxChars: number): string {
  const head = writeLine(headline, MAX_HEADLINE_CHARS)
  const tail = takeLines(footer, MAX_FOOTER_CHARS)
  const fixedChars = head.length + countChars(tail)
  const all = takeLines(lines, maxChars - fixedChars)
  if (all.length === lines.length) return [head, ...all, ...tail].join('\n')
  const body = takeLines(lines, maxChars - fixedChars - MAX_NOTE_CHARS)
  const leftOut = lines.length - body.length
  const more = maxChars < MAX_ANSWER_CHARS ? `raise maxChars (now ${maxChars}, at most ${MAX_ANSWER_CHARS}), or ` : ''
  const note = `[${leftOut} of ${lines.length} lines left out: ${more}${narrow}.]`
  return [head, ...body, writeLine(note, MAX_NOTE_CHARS - 1), ...tail].join('\n')
}

/** The first lines that fit, each with its line break. */
function takeLines(lines: readonly string[], maxChars: number): readonly string[] {
  const taken: string[] = []
  let left = maxChars
  for (const text of lines) {
    const line = writeLine(text, MAX_LINE_CHARS)
    left -= line.length + 1
    if (left < 0) break
    taken.push(line)
  }
  return taken
}

function countChars(lines: readonly string[]): number {
  return lines.reduce((sum, line) => sum + line.length + 1, 0)
}

function writeLine(text: string, maxChars: number): string {
  return removeHidden(cutText(text, maxChars)).trimEnd()
}
