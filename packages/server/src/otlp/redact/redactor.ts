import type { NamePattern } from './name-pattern.ts'
import { parseRedactList } from './redact-list.ts'
import type { ValuePattern } from './value-pattern.ts'

/** Finds what `--redact` keeps out of the rows. */
export type Redactor = {
  /** Whether values of attributes of this name are replaced. */
  hidesName(name: string): boolean
  /** Returns the text with its matches replaced, or undefined if none of the patterns matches. */
  redactText(bytes: Uint8Array, at: number, end: number): Buffer | undefined
}

/** Real systems have hundreds of names. Random ones, or very long ones, must not fill memory. */
const MAX_CACHED_NAMES = 10_000
const MAX_CACHED_LENGTH = 256

/**
 * @param list attribute names with `*`, and `/patterns/` of values, separated by commas
 * @throws InvalidRedactListError
 */
export function createRedactor(list: string): Redactor {
  const entries = parseRedactList(list)
  const names: NamePattern[] = entries.flatMap((entry) => (entry.kind === 'name' ? [entry.matches] : []))
  const patterns: ValuePattern[] = entries.flatMap((entry) => (entry.kind === 'value' ? [entry.redact] : []))
  const known = new Map<string, boolean>()
  return {
    hidesName: (name) => {
      if (names.length === 0) return false
      const cached = known.get(name)
      if (cached !== undefined) return cached
      const isHidden = names.some((matches) => matches(name))
      if (known.size >= MAX_CACHED_NAMES) known.clear()
      if (name.length <= MAX_CACHED_LENGTH) known.set(name, isHidden)
      return isHidden
    },
    redactText: (bytes, at, end) => {
      let redacted: Buffer | undefined
      for (const redact of patterns) {
        redacted = (redacted === undefined ? redact(bytes, at, end) : redact(redacted, 0, redacted.length)) ?? redacted
      }
      return redacted
    },
  }
}
