/**
 * Finds the problem of a regular expression that is invalid in RE2, which Tempo and ClickHouse use;
 * undefined for a valid one. JavaScript's parser differs: it has look-around and no `(?i)` or `\z`.
 * ClickHouse validates the names of character classes.
 */
export function findRegexProblem(pattern: string): string | undefined {
  let open = 0
  let repeatable = false
  for (let at = 0; at < pattern.length; at++) {
    switch (pattern.charAt(at)) {
      case '\\': {
        const problem = findEscapeProblem(pattern.charAt(at + 1))
        if (problem) return problem
        at++
        repeatable = true
        break
      }
      case '[': {
        const end = findClassEnd(pattern, at)
        if (end === undefined) return 'a "[" is not closed'
        at = end
        repeatable = true
        break
      }
      case '(': {
        const group = groupPrefix.exec(pattern.slice(at))
        if (!group) return 'a "(?" group that is none of (?:  (?i)  (?P<name>; look-around is not supported'
        open++
        at += group[0].length - 1
        if (group[0].endsWith(')')) open--
        repeatable = false
        break
      }
      case ')':
        if (open-- === 0) return 'a ")" has no opening "("'
        repeatable = true
        break
      case '|':
        repeatable = false
        break
      case '*':
      case '+':
      case '?':
        if (!repeatable) return `"${pattern.charAt(at)}" has nothing to repeat`
        if (pattern.charAt(at + 1) === '?') at++
        repeatable = false
        break
      case '{': {
        const counts = repetition.exec(pattern.slice(at))
        if (!counts) {
          repeatable = true
          break
        }
        if (!repeatable) return `"${counts[0]}" has nothing to repeat`
        if (Number(counts[1]) > 1000 || Number(counts[2] || 0) > 1000) return 'a repetition count above 1000'
        if (counts[2] && Number(counts[2]) < Number(counts[1]))
          return `the counts of "${counts[0]}" are in the wrong order`
        at += counts[0].length - 1
        repeatable = false
        break
      }
      default:
        repeatable = true
    }
  }
  return open > 0 ? 'a "(" is not closed' : undefined
}

const groupPrefix = /^\((?!\?)|^\(\?(?:P?<\w+>|[imsU]*(?:-[imsU]+)?[:)])/
const repetition = /^\{(\d+)(?:,(\d*))?\}\??/

function findEscapeProblem(letter: string): string | undefined {
  if (letter === '') return 'it ends in a backslash'
  if (/[1-9]/.test(letter)) return `the back-reference \\${letter} is not supported`
  return /[A-Za-z0]/.test(letter) && !/[aAbBCdDfnpPQrsStEvwWxz0]/.test(letter)
    ? `"\\${letter}" is not a valid escape`
    : undefined
}

/** Index of the `]` that ends the class opened at `from`. */
function findClassEnd(pattern: string, from: number): number | undefined {
  let at = from + 1
  if (pattern.charAt(at) === '^') at++
  if (pattern.charAt(at) === ']') at++
  for (; at < pattern.length; at++) {
    if (pattern.charAt(at) === '\\') at++
    else if (pattern.startsWith('[:', at)) at = pattern.indexOf(':]', at) === -1 ? at : pattern.indexOf(':]', at) + 1
    else if (pattern.charAt(at) === ']') return at
  }
  return undefined
}
