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

/** Maximum white space between two tokens. Pretty-printed bodies have a few hundred bytes. */
const MAX_SPACE_BYTES = 1024 * 1024

/**
 * A cursor over a JSON body (RFC 8259) that reads tokens in place and builds no objects. The body
 * has to be UTF-8. Reads past its end return `undefined`, which matches no byte comparison.
 */
export class JsonReader {
  readonly bytes: Buffer
  readonly view: DataView
  pos = 0
  /** Latest position at which the current item may end: see `overrun`. */
  end: number
  /** Range of the last read string, without its quotes. */
  stringAt = 0
  stringEnd = 0
  isEscaped = false
  /** Parts dropped from the current item, or ''. */
  warning = ''
  /** Messages, and bytes of unknown members, in the current item. */
  messages = 0
  skippedBytes = 0
  readonly #hidesValues: boolean

  /** @param hidesValues whether error messages quote no values */
  constructor(body: Uint8Array, hidesValues = false) {
    this.bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
    this.view = new DataView(body.buffer, body.byteOffset, body.byteLength)
    this.end = body.byteLength
    this.#hidesValues = hidesValues
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

  /** Skips white space and returns the first byte of the next token. */
  peek(): number {
    const byte = this.bytes[this.pos] as number
    return byte <= 0x20 ? this.#peekBehindSpace() : byte
  }

  /** Enters the object at the position. Returns false, after the object, if it is empty. */
  openObject(): boolean {
    this.pos++
    const byte = this.peek()
    if (byte === BYTE.quote) return true
    if (byte !== BYTE.closeObject) throw this.unexpected('a member name')
    this.pos++
    return false
  }

  /**
   * Moves from the end of a member to the name of the next one. Returns false, after the object, if
   * there is none.
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

  /** Enters the array at the position. Returns false, after the array, if it is empty. */
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

  /** Skips the colon between a member's name and its value. */
  colon(): void {
    if (this.peek() !== BYTE.colon) throw this.unexpected('a colon')
    this.pos++
  }

  /** Skips a null, if there is one. */
  isNull(): boolean {
    return this.peek() === BYTE.n && this.literal('null')
  }

  /** Skips the literal, if it is at the position. */
  literal(word: string): boolean {
    for (let i = 0; i < word.length; i++) if (this.bytes[this.pos + i] !== word.charCodeAt(i)) return false
    this.pos += word.length
    return true
  }

  /** Reads the string whose quote is at the position, without decoding its escapes. */
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

  /** Writes the last read string as a protobuf or RowBinary string. */
  writeString(out: RowWriter): void {
    if (this.isEscaped) writeUnescaped(this, out)
    else out.string(this.view, this.stringAt, this.stringEnd - this.stringAt)
  }

  /** Decodes the last read string. */
  text(): string {
    const text = this.slice(this.stringAt, this.stringEnd)
    if (!this.isEscaped) return text
    try {
      return JSON.parse(`"${text}"`) as string
    } catch {
      throw new OtlpError('bad-json', `body is not JSON: invalid escape in the string at byte ${this.stringAt}`)
    }
  }

  slice(start: number, end: number): string {
    return this.bytes.toString('utf8', start, end)
  }

  /**
   * Reads the number at the position and moves `pos` to its end. Returns its text, which may be an
   * invalid number.
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

  /** @throws OtlpError unless only white space is left */
  atEnd(): void {
    this.peek()
    if (this.pos < this.bytes.length) throw this.unexpected('the end')
  }

  /** Describes the value at the position, for an error message. */
  describe(): string {
    const byte = this.peek()
    if (byte === BYTE.openObject) return 'an object'
    if (byte === BYTE.openArray) return 'an array'
    if (this.#hidesValues) return byte === BYTE.quote ? 'a string' : 'a value'
    const text = this.slice(this.pos, Math.min(this.bytes.length, this.pos + 60))
    return /^(?:"(?:[^"\\]|\\.)*"?|[^,\]}\s]+)/.exec(text)?.[0] ?? 'nothing'
  }

  /** Creates the error for a byte that is not allowed at the position. */
  unexpected(wanted: string): OtlpError {
    if (this.pos > this.end) return this.overrun()
    if (this.pos >= this.bytes.length) return createTruncatedError(this.pos)
    return new OtlpError('bad-json', `body is not JSON: byte ${this.pos} is ${this.describe()}, expected ${wanted}`)
  }

  /** Creates the error for an item that extends beyond `end`. */
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

/** Maximum bytes of a number. JavaScript writes 25 at most. */
const MAX_NUMBER_BYTES = 1000

function isNumberByte(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || byte === 0x2b || byte === 0x2d || byte === 0x2e || (byte | 0x20) === 0x65
}

/**
 * Whether one of four bytes is a quote, a backslash or a control character: the subtraction sets
 * the high bit of a matching byte
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
