import { OtlpError } from '../error.ts'
import type { RowWriter } from '../row-writer.ts'

/** A JSON string without its quotes. */
type StringRange = { readonly bytes: Buffer; readonly stringAt: number; readonly stringEnd: number }

/** Character code of each escape letter; 0 for an invalid escape. */
const SIMPLE = new Uint8Array(256)
for (const [letter, code] of [
  ['"', 0x22],
  ['\\', 0x5c],
  ['/', 0x2f],
  ['b', 0x08],
  ['f', 0x0c],
  ['n', 0x0a],
  ['r', 0x0d],
  ['t', 0x09],
] as const) {
  SIMPLE[letter.charCodeAt(0)] = code
}

/** Value of each hex digit in either case; 255 for any other character. */
export const HEX = new Uint8Array(256).fill(0xff)
for (let digit = 0; digit < 16; digit++) {
  for (const text of [digit.toString(16), digit.toString(16).toUpperCase()]) HEX[text.charCodeAt(0)] = digit
}

/** An unpaired surrogate is no character. It becomes U+FFFD, as in UTF-8 encoders. */
const REPLACEMENT = 0xfffd

/** Writes the last read string, which has escapes, with its length prefix. */
export function writeUnescaped(json: StringRange, out: RowWriter): void {
  const { bytes, stringAt, stringEnd } = json
  // No escape is shorter than its character, so the length may need fewer bytes than reserved and
  // is padded.
  out.reserve(stringEnd - stringAt + 5)
  const start = out.pos + countLengthBytes(stringEnd - stringAt)
  const to = out.bytes
  let pos = start
  for (let at = stringAt; at < stringEnd;) {
    const byte = bytes[at] as number
    if (byte !== 0x5c) {
      to[pos++] = byte
      at++
      continue
    }
    const letter = bytes[at + 1] as number
    if (letter !== 0x75) {
      const simple = SIMPLE[letter] as number
      if (simple === 0) throw createEscapeError(at)
      to[pos++] = simple
      at += 2
      continue
    }
    let code = readHexUnit(json, at)
    at += 6
    if (code >= 0xd800 && code < 0xe000) {
      const low = code < 0xdc00 && bytes[at] === 0x5c && bytes[at + 1] === 0x75 ? readHexUnit(json, at) : 0
      if (low >= 0xdc00 && low < 0xe000) {
        code = 0x10000 + ((code & 0x3ff) << 10) + (low & 0x3ff)
        at += 6
      } else code = REPLACEMENT
    }
    pos = writeUtf8(to, pos, code)
  }
  writeLength(out, pos - start, start)
  out.pos = pos
}

function countLengthBytes(length: number): number {
  let bytes = 1
  for (let rest = length; rest >= 0x80; rest >>>= 7) bytes++
  return bytes
}

/** Writes a length as a varint padded to fill the bytes from the position to `end`. */
export function writeLength(out: RowWriter, length: number, end: number): void {
  let rest = length
  for (let at = out.pos; at < end - 1; at++) {
    out.bytes[at] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  out.bytes[end - 1] = rest
}

function readHexUnit({ bytes, stringEnd }: StringRange, at: number): number {
  let code = 0
  for (let i = at + 2; i < at + 6; i++) {
    const digit = i < stringEnd ? (HEX[bytes[i] as number] as number) : 0xff
    if (digit === 0xff) throw createEscapeError(at)
    code = (code << 4) | digit
  }
  return code
}

function writeUtf8(to: Buffer, start: number, code: number): number {
  let pos = start
  if (code < 0x80) to[pos++] = code
  else {
    if (code < 0x800) to[pos++] = 0xc0 | (code >> 6)
    else {
      if (code < 0x10000) to[pos++] = 0xe0 | (code >> 12)
      else {
        to[pos++] = 0xf0 | (code >> 18)
        to[pos++] = 0x80 | ((code >> 12) & 0x3f)
      }
      to[pos++] = 0x80 | ((code >> 6) & 0x3f)
    }
    to[pos++] = 0x80 | (code & 0x3f)
  }
  return pos
}

function createEscapeError(at: number): OtlpError {
  return new OtlpError('bad-json', `body is not JSON: invalid escape at byte ${at}`)
}

/**
 * Returns the length of the escape at `at`.
 *
 * @throws OtlpError when it is invalid
 */
export function escapeLength(bytes: Buffer, at: number): 2 | 6 {
  const letter = bytes[at + 1] as number
  if (letter !== 0x75) {
    if (!(SIMPLE[letter] as number)) throw createEscapeError(at)
    return 2
  }
  for (let i = at + 2; i < at + 6; i++) if (!((HEX[bytes[i] as number] as number) < 16)) throw createEscapeError(at)
  return 6
}
