import { OtlpError } from '../error.ts'
import { MAX_BUCKETS } from '../limits.ts'
import { RowWriter } from '../row-writer.ts'
import { WireReader } from './wire-reader.ts'

/**
 * A list of 8-byte little-endian numbers: protobuf and RowBinary encode UInt64 and Float64 alike.
 */
export class NumberList {
  readonly #bytes = new RowWriter(256)

  get length(): number {
    return this.#bytes.pos / 8
  }

  clear(): void {
    this.#bytes.reset()
  }

  packed(reader: WireReader, outerEnd: number): void {
    const length = reader.length(outerEnd)
    this.#reserve(length >> 3)
    this.#bytes.copy(reader.view, reader.pos, length - (length % 8))
    reader.pos += length
    // A remainder of less than a number means that the field ends outside its message.
    if (length % 8 !== 0) reader.endMessage(reader.pos - (length % 8))
  }

  fixed(reader: WireReader, end: number): void {
    this.#reserve(1)
    reader.pos += 8
    if (reader.pos <= end) this.#bytes.copy(reader.view, reader.pos - 8, 8)
  }

  varint(reader: WireReader): void {
    this.#reserve(1)
    let low = 0
    let high = 0
    for (let shift = 0; ; shift += 7) {
      if (shift > 63) throw new OtlpError('malformed', `varint at byte ${reader.pos} is longer than ten bytes`)
      const byte = reader.bytes[reader.pos++] as number
      if (shift <= 28) low |= (byte & 0x7f) << shift
      if (shift === 28) high = (byte & 0x7f) >> 4
      if (shift > 28) high |= (byte & 0x7f) << (shift - 32)
      if (!(byte >= 0x80)) break
    }
    this.#bytes.u32(low >>> 0)
    this.#bytes.u32(high >>> 0)
  }

  /** Appends the number at `at`, or 0 if it was not sent. */
  copy(reader: WireReader, at: number): void {
    this.#reserve(1)
    if (at < 0) this.#bytes.zeros(8)
    else this.#bytes.copy(reader.view, at, 8)
  }

  /** Writes an Array of numbers, or of tuples of `arity` numbers. */
  write(writer: RowWriter, arity = 1): void {
    writer.varint(this.length / arity)
    writer.copy(this.#bytes.view, 0, this.#bytes.pos)
  }

  #reserve(numbers: number): void {
    if (this.length + numbers <= MAX_BUCKETS) return
    throw new OtlpError('over-limit', `more than ${MAX_BUCKETS} buckets, bounds or quantiles`)
  }
}
