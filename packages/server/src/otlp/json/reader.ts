import type { RowWriter } from '../row-writer.ts'
import { OtlpError } from '../error.ts'
import { writeUnescaped } from './unescape.ts'

export const BYTE = {
  quote: 0x22,
  comma: 0x2c,
  colon: 0x3a,
  openArray: 0x5b,
  backslash: 0x5c,
  closeArray: 0x5d,
  n: 0x6e,
  openObject: 0x7b,
  closeObject: 0x7d,
} as const

/** Between two tokens. Pretty-printed bodies have a few hundred bytes at most. */
const MAX_SPACE_BYTES = 1024 * 1024

/**
 * A cursor over a JSON body (RFC 8259): tokens are read where they stand, and nothing is built of
 * them. The body has to be UTF-8. Reads past its end give `undefined`, which no comparison takes
 * for a byte.
 */
export class JsonReader {
  readonly bytes: Buffer
  readonly view: DataView
  pos = 0
  /** Where the item that is being read has to end at the latest: see `overrun`. */
  end: number
  /** Of the string that was read last, without its quotes. */
  stringAt = 0
  stringEnd = 0
  isEscaped = false
  /** Of the item that is being read: what is left out of it, or ''. */
  warning = ''
  /** The same: messages in it, and bytes of unknown members. */
  messages = 0
  skippedBytes = 0

  constructor(body: Uint8Array) {
    this.bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
    this.view = new DataView(body.buffer, body.byteOffset, body.byteLength)
    this.end = body.byteLength
  }

  beginItem(maxBytes: number): void {
    this.end = Math.min(this.bytes.length, this.pos + maxBytes)
    this.warning = ''
    this.messages = 0
    this.skippedBytes = 0
  }

  endItem(): void {
    this.end = this.bytes.length
  }

  /** The first byte of the next token; the position is there. */
  peek(): number {
    const byte = this.bytes[this.pos] as number
    return byte <= 0x20 ? this.#peekBehindSpace() : byte
  }

  /** Steps into the object at the position. False when it is empty, and then it is behind it. */
  openObject(): boolean {
    this.pos++
    const byte = this.peek()
    if (byte === BYTE.quote) return true
    if (byte !== BYTE.closeObject) throw this.unexpected('a member name')
    this.pos++
    return false
  }

  /**
   * From behind a member to the name of the next. False when there is none, and then it is behind
   * the object.
   */
  nextMember(): boolean {
    const byte = this.peek()
    if (this.pos > this.end) throw this.overrun()
    this.pos++
    if (byte === BYTE.closeObject) return false
    if (byte === BYTE.comma && this.peek() === BYTE.quote) return true
    this.pos--
    throw this.unexpected('a comma and a member, or the end of the object')
  }

  /** The same of arrays. */
  openArray(): boolean {
    this.pos++
    if (this.peek() !== BYTE.closeArray) return true
    this.pos++
    return false
  }

  nextElement(): boolean {
    const byte = this.peek()
    if (this.pos > this.end) throw this.overrun()
    this.pos++
    if (byte === BYTE.closeArray) return false
    if (byte === BYTE.comma) return true
    this.pos--
    throw this.unexpected('a comma or the end of the array')
  }

  /** From behind a member's name to its value. */
  colon(): void {
    if (this.peek() !== BYTE.colon) throw this.unexpected('a colon')
    this.pos++
  }

  /** Steps over a null, if it is one. */
  isNull(): boolean {
    return this.peek() === BYTE.n && this.literal('null')
  }

  /** Steps over the literal, if it is that. */
  literal(word: string): boolean {
    for (let i = 0; i < word.length; i++) if (this.bytes[this.pos + i] !== word.charCodeAt(i)) return false
    this.pos += word.length
    return true
  }

  /** Reads the string whose quote is at the position, without looking at what its escapes mean. */
  string(): void {
    const { bytes, view, end } = this
    const last = end - 4
    let at = this.pos + 1
    this.stringAt = at
    this.isEscaped = false
    for (;;) {
      while (at <= last && !hasSpecial(view.getInt32(at, true))) at += 4
      const byte = bytes[at] as number
      if (at >= end) throw this.overrun()
      if (byte === BYTE.quote) break
      if (byte === BYTE.backslash) {
        this.isEscaped = true
        at += 2
      } else if (byte >= 0x20) at++
      else throw new OtlpError('bad-json', `body is not JSON: control character in a string at byte ${at}`)
    }
    this.stringEnd = at
    this.pos = at + 1
  }

  /** Writes the string that was read last as a protobuf or RowBinary string. */
  writeString(out: RowWriter): void {
    if (this.isEscaped) writeUnescaped(this, out)
    else out.string(this.view, this.stringAt, this.stringEnd - this.stringAt)
  }

  /** The string that was read last. */
  text(): string {
    const text = this.slice(this.stringAt, this.stringEnd)
    if (!this.isEscaped) return text
    try {
      return JSON.parse(`"${text}"`) as string
    } catch {
      throw new OtlpError('bad-json', `body is not JSON: invalid escape in the string at byte ${this.stringAt}`)
    }
  }

  /** The text between two positions. */
  slice(start: number, end: number): string {
    return this.bytes.toString('utf8', start, end)
  }

  /**
   * Reads the number at the position; where it ends is `pos`. Returns its text, which may be no
   * number after all.
   */
  number(): string {
    const start = this.pos
    const limit = start + MAX_NUMBER_BYTES
    let at = start
    while (at < limit && isNumberByte(this.bytes[at] as number)) at++
    if (at === limit) throw new OtlpError('bad-json', `number of more than ${MAX_NUMBER_BYTES} bytes at byte ${start}`)
    this.pos = at
    return this.bytes.toString('latin1', start, at)
  }

  /** @throws OtlpError unless nothing but white space is left */
  atEnd(): void {
    this.peek()
    if (this.pos < this.bytes.length) throw this.unexpected('the end')
  }

  /** What stands at the position, for a message. */
  describe(): string {
    const byte = this.peek()
    if (byte === BYTE.openObject) return 'an object'
    if (byte === BYTE.openArray) return 'an array'
    const text = this.slice(this.pos, Math.min(this.bytes.length, this.pos + 60))
    return /^(?:"(?:[^"\\]|\\.)*"?|[^,\]}\s]+)/.exec(text)?.[0] ?? 'nothing'
  }

  /** For a byte that can't follow here. */
  unexpected(wanted: string): OtlpError {
    if (this.pos > this.end) return this.overrun()
    if (this.pos >= this.bytes.length) return createTruncatedError(this.pos)
    return new OtlpError('bad-json', `body is not JSON: byte ${this.pos} is ${this.describe()}, expected ${wanted}`)
  }

  /** For an item that goes on behind `end`. */
  overrun(): OtlpError {
    if (this.end >= this.bytes.length) return createTruncatedError(this.bytes.length)
    return new OtlpError('over-limit', 'too large as JSON')
  }

  #peekBehindSpace(): number {
    const { bytes } = this
    const start = this.pos
    let at = start
    let byte: number
    do {
      byte = bytes[at] as number
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break
      at++
    } while (at - start <= MAX_SPACE_BYTES)
    this.pos = at
    if (at - start > MAX_SPACE_BYTES)
      throw new OtlpError('bad-json', `more than ${MAX_SPACE_BYTES} bytes of white space`)
    if (byte <= 0x20) throw new OtlpError('bad-json', `body is not JSON: control character at byte ${at}`)
    return byte
  }
}

/** Of a number. JavaScript writes 25 at most. */
const MAX_NUMBER_BYTES = 1000

function isNumberByte(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || byte === 0x2b || byte === 0x2d || byte === 0x2e || (byte | 0x20) === 0x65
}

/**
 * Whether one of four bytes is a quote, a backslash or a control character: each subtraction
 * borrows into the high bit of a byte that is one
 * (https://graphics.stanford.edu/~seander/bithacks.html#ZeroInWord).
 */
function hasSpecial(word: number): boolean {
  const quote = word ^ 0x22222222
  const backslash = word ^ 0x5c5c5c5c
  const control = (word - 0x20202020) & ~word
  return ((control | ((quote - 0x01010101) & ~quote) | ((backslash - 0x01010101) & ~backslash)) & 0x80808080) !== 0
}

function createTruncatedError(at: number): OtlpError {
  return new OtlpError('bad-json', `body is not JSON: it ends at byte ${at}, inside a value`)
}
