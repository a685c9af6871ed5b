/** Makes control characters and bidirectional marks visible: they could move the cursor. */
export function sanitize(text: string): string {
  return text.slice(0, 1000).replaceAll(/[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]|\p{Cs}/gu, (mark) => {
    const code = mark.codePointAt(0) ?? 0
    return code < 0x20 ? String.fromCodePoint(0x24_00 + code) : '\u{fffd}'
  })
}
