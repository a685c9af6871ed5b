import { MAX_DEPTH, OtlpError } from '../error.ts'
import type { Redactor } from '../redact/redactor.ts'

/**
 * Protobuf wire format. A message is fields, a field is a tag and a payload, and a tag is `field
 * number << 3 | wire type` as a varint:
 *
 * | wire type | payload                                         |
 * |-----------|-------------------------------------------------|
 * | 0         | varint: 7 bits a byte, low first, at most 10    |
 * | 1         | 8 bytes, little-endian                          |
 * | 2         | varint length, then as many bytes               |
 * | 3, 4      | start and end of a group; known to skip only    |
 * | 5         | 4 bytes, little-endian                          |
 *
 * A cursor over one request. Decoders compare whole tags, so a known field number with another wire
 * type is an unknown field, which is skipped. Reads past the end of the buffer return zeros:
 * `length()` and `endMessage()` check positions, so single reads need no bounds check.
 */
export class WireReader {
  readonly bytes: Buffer
  readonly view: DataView
  /** Applied where attributes and texts are written. */
  readonly redactor: Redactor | undefined
  pos = 0
  /** Elements of arrays and maps in the current item. */
  nestedValues = 0

  constructor(body: Uint8Array, redactor?: Redactor) {
    this.bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
    this.view = new DataView(body.buffer, body.byteOffset, body.byteLength)
    this.redactor = redactor
  }

  /** Reads a varint and returns its low 32 bits, unsigned. */
  varint(): number {
    const bytes = this.bytes
    let byte = bytes[this.pos++] as number
    if (byte < 0x80) return byte
    let value = byte & 0x7f
    for (let shift = 7; shift < 70; shift += 7) {
      byte = bytes[this.pos++] as number
      if (shift < 32) value |= (byte & 0x7f) << shift
      if (!(byte >= 0x80)) return value >>> 0
    }
    throw new OtlpError('malformed', `varint at byte ${this.pos} is longer than ten bytes: not protobuf`)
  }

  /** Reads the length of a payload that must lie inside the message that ends at `end`. */
  length(end: number): number {
    const bytes = this.bytes
    const first = bytes[this.pos] as number
    let length = first
    if (first < 0x80) this.pos++
    else length = this.varint()
    if (length > end - this.pos) throw createTruncatedError(this.pos)
    return length
  }

  /** Reads the length of a payload, like `length`, and returns the position of its end. */
  readEnd(end: number): number {
    const length = this.length(end)
    return this.pos + length
  }

  /** Skips an 8-byte number and returns its position. */
  skipFixed64(): number {
    const { pos } = this
    this.pos = pos + 8
    return pos
  }

  /** Skips the payload of an unknown field. */
  skip(tag: number, end: number): void {
    if (tag >>> 3 === 0) throw new OtlpError('malformed', `field number 0 before byte ${this.pos}: not protobuf`)
    switch (tag & 7) {
      case 0:
        this.varint()
        break
      case 1:
        this.pos += 8
        break
      case 2: {
        const length = this.length(end)
        this.pos += length
        break
      }
      case 3:
        this.#skipGroup(end)
        break
      case 5:
        this.pos += 4
        break
      default:
        throw new OtlpError('malformed', `wire type ${tag & 7} before byte ${this.pos}: not protobuf`)
    }
    if (this.pos > end) throw createTruncatedError(this.pos)
  }

  /** Must be called after the fields of a message: throws unless the last field ended at `end`. */
  endMessage(end: number): void {
    if (this.pos !== end) throw createTruncatedError(this.pos)
  }

  #skipGroup(end: number): void {
    let depth = 1
    while (depth > 0) {
      if (this.pos >= end) throw createTruncatedError(this.pos)
      const tag = this.varint()
      if ((tag & 7) === 4) depth--
      else if ((tag & 7) !== 3) this.skip(tag, end)
      else if (++depth > MAX_DEPTH) throw new OtlpError('too-deep', `groups nest deeper than ${MAX_DEPTH}`)
    }
  }
}

function createTruncatedError(pos: number): OtlpError {
  return new OtlpError('truncated', `message ends inside a field at byte ${pos}: truncated or not protobuf`)
}
