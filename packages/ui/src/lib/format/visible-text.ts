/**
 * Text from outside, made safe to look at: control characters become their Unicode pictures (U+2400
 * block), lone surrogates the replacement character, marks that turn the direction of text their
 * code points (`⟨202E⟩`), and a long text is cut. What is written from right to left by nature
 * stays so: the `.text` style keeps it from turning what stands beside it.
 */
export function sanitizeText(text: string, most = 300): string {
  return cut(text, most).replace(CONTROLS, toVisible)
}

/** The same for a block of text, where line ends and tabs do their work. */
export function sanitizeBlock(text: string, most: number): string {
  return cut(text, most).replace(CONTROLS, (mark) => (mark === '\n' || mark === '\t' ? mark : toVisible(mark)))
}

const CONTROLS = /[\p{Cc}\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]/gu

function cut(text: string, most: number): string {
  return (text.length > most ? `${text.slice(0, most)}…` : text).toWellFormed()
}

/** C0 controls and DEL have pictures of their own; C1 controls have none. */
function toVisible(mark: string): string {
  const code = mark.charCodeAt(0)
  if (code > 0xff) return `⟨${code.toString(16).toUpperCase().padStart(4, '0')}⟩`
  if (code < 0x20) return String.fromCharCode(0x24_00 + code)
  return code === 0x7f ? '\u2421' : '\ufffd'
}
