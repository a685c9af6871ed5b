/**
 * Makes untrusted text safe to show: control characters become their Unicode pictures (U+2400
 * block), lone surrogates the replacement character, bidi controls their code points (`⟨202E⟩`).
 * Text over `most` characters is truncated. Right-to-left text stays; the `.text` style isolates it
 * from its neighbours.
 */
export function sanitizeText(text: string, max = 300): string {
  return cut(text, max).replace(CONTROLS, toVisible)
}

/** The same for a block of text, which keeps line ends and tabs. */
export function sanitizeBlock(text: string, max: number): string {
  return cut(text, max).replace(CONTROLS, (mark) => (mark === '\n' || mark === '\t' ? mark : toVisible(mark)))
}

const CONTROLS = /[\p{Cc}\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]/gu

function cut(text: string, max: number): string {
  return (text.length > max ? `${text.slice(0, max)}…` : text).toWellFormed()
}

/** C0 controls and DEL have Unicode pictures; C1 controls have none. */
function toVisible(mark: string): string {
  const code = mark.charCodeAt(0)
  if (code > 0xff) return `⟨${code.toString(16).toUpperCase().padStart(4, '0')}⟩`
  if (code < 0x20) return String.fromCharCode(0x24_00 + code)
  return code === 0x7f ? '\u2421' : '\ufffd'
}
