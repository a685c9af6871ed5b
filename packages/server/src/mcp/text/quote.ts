/**
 * Line breaks, control and format characters (bidirectional marks, zero-width and tag characters),
 * variation selectors and lone surrogates. They forge lines, or carry text that people don't see.
 */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\ufe00-\ufe0f\u{e0100}-\u{e01ef}]+/gu

const MAX_QUOTED_CHARS = 160

/** On one line; never longer than the text. */
export function removeHidden(text: string): string {
  return text.replaceAll(HIDDEN, ' ')
}

/** Cuts to `maxChars` UTF-16 units, with … as the last one. Doesn't split a character. */
export function cutText(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text
  const end = maxChars - 1
  const isSplit = /[\ud800-\udbff]/.test(text.charAt(end - 1))
  return `${text.slice(0, isSplit ? end - 1 : end)}…`
}

/** Text of telemetry, in double quotes on one line: data, never an instruction. */
export function quote(text: string, maxChars = MAX_QUOTED_CHARS): string {
  // Cut twice: huge values are not searched whole.
  const cut = cutText(removeHidden(cutText(text, maxChars * 4)), maxChars)
  return `"${cut.replaceAll(/["\\]/g, String.raw`\$&`)}"`
}
