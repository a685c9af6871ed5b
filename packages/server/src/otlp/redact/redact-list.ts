import { createNamePattern, type NamePattern } from './name-pattern.ts'
import { createValuePattern, PatternError, type ValuePattern } from './value-pattern.ts'

export type RedactEntry =
  | { readonly kind: 'name'; readonly matches: NamePattern }
  | { readonly kind: 'value'; readonly redact: ValuePattern }

/** The message names the entry and the reason. */
export class InvalidRedactListError extends Error {}

/** A `/pattern/` may contain commas, and slashes as `\/`. */
const ENTRY = /\s*(?:\/((?:\\.|[^\\/])*)\/(i?)|([^,/\s][^,\s]*))\s*(?:,|$)/y

/** @throws InvalidRedactListError */
export function parseRedactList(list: string): readonly RedactEntry[] {
  const entries: RedactEntry[] = []
  let at = 0
  do {
    ENTRY.lastIndex = at
    const found = ENTRY.exec(list)
    if (found === null) {
      throw new InvalidRedactListError(
        `${JSON.stringify(list.slice(at))} is neither an attribute name nor a /pattern/; in a pattern, write / as \\/`,
      )
    }
    const [text, source, flag, name = ''] = found
    at += text.length
    entries.push(
      source === undefined
        ? { kind: 'name', matches: createNamePattern(name) }
        : { kind: 'value', redact: createPattern(source, flag === 'i') },
    )
  } while (at < list.length)
  if (list.endsWith(',')) throw new InvalidRedactListError('it ends in a comma')
  return entries
}

function createPattern(source: string, ignoreCase: boolean): ValuePattern {
  try {
    return createValuePattern(source, ignoreCase)
  } catch (error) {
    if (error instanceof PatternError)
      throw new InvalidRedactListError(`/${source}/: ${error.message}`, { cause: error })
    throw error
  }
}
