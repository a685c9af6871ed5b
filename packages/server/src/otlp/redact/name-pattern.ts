/**
 * Matches attribute names: `*` stands for any characters, and case is ignored. Takes linear time,
 * unlike a regular expression with several `.*`.
 */
export type NamePattern = (name: string) => boolean

export function createNamePattern(pattern: string): NamePattern {
  const [prefix = '', ...rest] = pattern.toLowerCase().split('*')
  const suffix = rest.pop()
  return (name) => {
    const text = name.toLowerCase()
    if (suffix === undefined) return text === prefix
    if (!text.startsWith(prefix) || !text.endsWith(suffix)) return false
    let at = prefix.length
    for (const part of rest) {
      const found = text.indexOf(part, at)
      if (found < 0) return false
      at = found + part.length
    }
    return at <= text.length - suffix.length
  }
}
