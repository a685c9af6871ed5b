import { executeQuery } from '../execute/execute-query.ts'
import type { Search } from '../execute/search.ts'
import { anchorPattern } from '../sql/attribute-lookup.ts'
import { createParams, type Params } from '../sql/params.ts'

/** Whether a text matches. False for a text that `resolve` has not looked up yet. */
export type MatchRegex = (pattern: string, text: string) => boolean

export type RegexMatches = ReturnType<typeof createRegexMatches>

/**
 * Regular expressions are RE2, which ClickHouse has and JavaScript has not; RE2 also takes linear
 * time. Evaluates again after each `resolve`, until no text is unknown.
 */
export function createRegexMatches() {
  const known = new Map<string, Map<string, boolean>>()
  const unknown = new Map<string, Set<string>>()
  let unknownCount = 0
  const matches: MatchRegex = (pattern, text) => {
    const match = known.get(pattern)?.get(text)
    if (match !== undefined) return match
    const texts = unknown.get(pattern) ?? new Set()
    unknown.set(pattern, texts.add(text))
    unknownCount++
    return false
  }
  return {
    matches,
    /** Grows with each text that is not known. */
    countUnknown: (): number => unknownCount,
    async resolve(search: Search): Promise<void> {
      for (const [pattern, texts] of unknown) {
        const results = known.get(pattern) ?? new Map<string, boolean>()
        known.set(pattern, results)
        const list = [...texts]
        for (let from = 0; from < list.length; from += MAX_TEXTS) {
          const part = list.slice(from, from + MAX_TEXTS)
          for (const [at, match] of (await queryMatches(search, pattern, part)).entries())
            results.set(part[at] ?? '', match)
        }
      }
      unknown.clear()
      unknownCount = 0
    },
  }
}

const MAX_TEXTS = 20_000

async function queryMatches(search: Search, pattern: string, texts: readonly string[]): Promise<boolean[]> {
  const params = createParams()
  const rows = await executeQuery<{ m: number }>(
    search,
    `select match(arrayJoin(${addTexts(texts, params)}), ${params.add('String', anchorPattern(pattern))}) as m`,
    params,
  )
  return rows.map(({ m }) => m === 1)
}

/**
 * A parameter has at most 128 KiB, escaped (`http_max_field_value_size`), so this many UTF-16
 * units.
 */
const MAX_PARAM_LENGTH = 8_000

/** SQL: an array of texts of any length and number. */
function addTexts(texts: readonly string[], params: Params): string {
  const arrays: string[] = []
  let part: string[] = []
  let length = 0
  const flush = (): void => {
    if (part.length > 0) arrays.push(params.add('Array(String)', part))
    part = []
    length = 0
  }
  for (const text of texts) {
    if (length + text.length > MAX_PARAM_LENGTH || part.length === 1000) flush()
    if (text.length > MAX_PARAM_LENGTH) {
      arrays.push(`[concat(${splitText(text).map((piece) => params.add('String', piece))}, '')]`)
    } else {
      part.push(text)
      length += text.length
    }
  }
  flush()
  return `arrayConcat(${arrays.join(', ')})`
}

function splitText(text: string): readonly string[] {
  const pieces: string[] = []
  for (let from = 0; from < text.length;) {
    const end = from + MAX_PARAM_LENGTH
    // Not between the two units of a character.
    const to = /[\uD800-\uDBFF]/.test(text.charAt(end - 1)) ? end - 1 : end
    pieces.push(text.slice(from, to))
    from = to
  }
  return pieces
}
