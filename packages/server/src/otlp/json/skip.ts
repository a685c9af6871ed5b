import { MAX_DEPTH, OtlpError } from '../error.ts'
import { BYTE, type JsonReader } from './reader.ts'
import { escapeLength } from './unescape.ts'
import { readNumber } from './numbers.ts'

/** Tokens that may come next. */
const VALUE = 0
const ELEMENT_OR_END = 1
const NAME_OR_END = 2
const NAME = 3
const COLON = 4
const COMMA_OR_END = 5

/** Skips a value without decoding it, in slices of a size that the caller chooses. */
export class JsonSkipper {
  readonly #json: JsonReader
  /** Whether each open level is an object. */
  readonly #isObject = new Uint8Array(MAX_DEPTH)
  #depth = 0
  #next = VALUE
  #isInString = false

  constructor(json: JsonReader) {
    this.#json = json
  }

  /**
   * Continues to about `stop`. Returns false if the value has not ended by then.
   *
   * @throws OtlpError when it is invalid JSON, or nests deeper than `MAX_DEPTH`
   */
  skip(stop: number): boolean {
    const json = this.#json
    for (;;) {
      if (json.pos >= stop) return false
      if (this.#isInString) {
        if (!this.#skipString(stop)) return false
        if (this.#next === COMMA_OR_END && this.#depth === 0) return this.#reset()
        continue
      }
      const byte = json.peek()
      switch (this.#next) {
        case COLON:
          json.colon()
          this.#next = VALUE
          break
        case NAME_OR_END:
          if (byte === BYTE.closeObject) {
            if (this.#close()) return this.#reset()
            break
          }
          this.#openString(byte, COLON)
          break
        case NAME:
          this.#openString(byte, COLON)
          break
        case COMMA_OR_END: {
          const isObject = this.#isObject[this.#depth - 1] === 1
          if (byte === BYTE.comma) {
            json.pos++
            this.#next = isObject ? NAME : VALUE
          } else if (byte !== (isObject ? BYTE.closeObject : BYTE.closeArray))
            throw json.unexpected('a comma or an end')
          else if (this.#close()) return this.#reset()
          break
        }
        case ELEMENT_OR_END:
          if (byte === BYTE.closeArray) {
            if (this.#close()) return this.#reset()
            break
          }
          if (this.#value(byte)) return this.#reset()
          break
        default:
          if (this.#value(byte)) return this.#reset()
      }
    }
  }

  /**
   * Like `skip`, for a rejected item: any nesting depth is allowed, and only brackets and strings
   * are validated.
   */
  skipRejected(stop: number): boolean {
    const json = this.#json
    const { bytes } = json
    for (;;) {
      if (json.pos >= stop) return false
      if (this.#isInString) {
        if (!this.#skipString(stop)) return false
        if (this.#depth === 0) return this.#reset()
        continue
      }
      const byte = json.peek()
      if (byte === BYTE.quote) this.#openString(byte, VALUE)
      else if (byte === BYTE.openObject || byte === BYTE.openArray) {
        this.#depth++
        json.pos++
      } else if (byte === BYTE.closeObject || byte === BYTE.closeArray) {
        if (this.#depth === 0) throw json.unexpected('a value')
        json.pos++
        if (--this.#depth === 0) return this.#reset()
      } else if (json.pos >= bytes.length) throw json.unexpected('the end of the item')
      else if (this.#depth === 0) return this.#skipScalar() && this.#reset()
      else json.pos++
    }
  }

  /** Skips the first token of a value. Returns true if that ends the outermost value. */
  #value(byte: number): boolean {
    const json = this.#json
    if (byte === BYTE.quote) {
      this.#openString(byte, COMMA_OR_END)
      return false
    }
    if (byte === BYTE.openObject || byte === BYTE.openArray) {
      if (this.#depth === MAX_DEPTH) throw new OtlpError('too-deep', `JSON nests deeper than ${MAX_DEPTH}`)
      const isObject = byte === BYTE.openObject
      this.#isObject[this.#depth++] = isObject ? 1 : 0
      this.#next = isObject ? NAME_OR_END : ELEMENT_OR_END
      json.pos++
      return false
    }
    this.#next = COMMA_OR_END
    return this.#skipScalar() && this.#depth === 0
  }

  #skipScalar(): true {
    const json = this.#json
    if (json.literal('true') || json.literal('false') || json.literal('null')) return true
    readNumber(json)
    return true
  }

  #openString(byte: number, next: number): void {
    if (byte !== BYTE.quote) throw this.#json.unexpected('a member name')
    this.#json.pos++
    this.#isInString = true
    this.#next = next
  }

  #skipString(stop: number): boolean {
    const json = this.#json
    const { bytes } = json
    let at = json.pos
    while (at < stop) {
      const byte = bytes[at] as number
      if (byte === BYTE.quote) {
        this.#isInString = false
        json.pos = at + 1
        return true
      }
      if (!(byte >= 0x20)) {
        json.pos = at
        throw json.unexpected('the end of the string')
      }
      at += byte === BYTE.backslash ? escapeLength(bytes, at) : 1
    }
    json.pos = at
    return false
  }

  /** Returns true if that ends the outermost value. */
  #close(): boolean {
    this.#json.pos++
    this.#next = COMMA_OR_END
    return --this.#depth === 0
  }

  #reset(): true {
    this.#depth = 0
    this.#next = VALUE
    return true
  }
}
