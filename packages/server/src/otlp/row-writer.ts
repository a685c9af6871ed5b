import { copyBytes } from '../runtime/copy-bytes.ts'
import { OtlpError } from './error.ts'
import { MAX_TABLE_BYTES } from './limits.ts'

const START_BYTES = 1024 * 1024

/** A writer that grew beyond this size releases the memory after the request. */
const KEEP_BYTES = 8 * 1024 * 1024

/** Up to this length, a loop is faster than the call into native code. */
const LOOP_BYTES = 40

/**
 * Builds RowBinary rows of one table (https://clickhouse.com/docs/interfaces/formats/RowBinary):
 *
 * | type           | bytes                                        |
 * |----------------|----------------------------------------------|
 * | UIntN, IntN    | N/8, little-endian                           |
 * | Enum8          | 1                                            |
 * | DateTime       | UInt32, Unix seconds                         |
 * | FixedString(N) | N                                            |
 * | String         | varint length, bytes; LowCardinality alike   |
 * | Array, Map     | varint count, then each element or key+value |
 * | Tuple          | its elements                                 |
 *
 * One writer per table lives as long as the process: what it wrote is copied out at the request's
 * end.
 */
export class RowWriter {
  bytes: Buffer
  view: DataView
  pos = 0
  /** Number of complete rows, counted by the caller. */
  rows = 0
  readonly #maxBytes: number

  /** @param maxBytes size beyond which an `OtlpError` is thrown */
  constructor(startBytes: number = START_BYTES, maxBytes: number = MAX_TABLE_BYTES) {
    this.#maxBytes = maxBytes
    this.bytes = Buffer.allocUnsafeSlow(startBytes)
    this.view = new DataView(this.bytes.buffer)
  }

  /** Must precede every direct write into `bytes`. */
  reserve(length: number): void {
    if (this.pos + length > this.bytes.length) this.#grow(length)
  }

  u8(value: number): void {
    this.reserve(1)
    this.bytes[this.pos++] = value
  }

  u32(value: number): void {
    this.reserve(4)
    this.view.setUint32(this.pos, value, true)
    this.pos += 4
  }

  varint(value: number): void {
    this.reserve(5)
    let rest = value
    while (rest >= 0x80) {
      this.bytes[this.pos++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.bytes[this.pos++] = rest
  }

  /** Copies bytes unchanged. */
  copy(source: DataView, start: number, length: number): void {
    this.reserve(length)
    copyBytes(source, start, this.view, this.pos, length)
    this.pos += length
  }

  /** Appends all bytes of another writer. */
  append(other: RowWriter): void {
    if (other.pos === 0) return
    this.reserve(other.pos)
    other.bytes.copy(this.bytes, this.pos, 0, other.pos)
    this.pos += other.pos
  }

  /**
   * Writes bytes unchanged as a String: OTLP strings are UTF-8, and invalid UTF-8 is kept as sent.
   */
  string(source: DataView, start: number, length: number): void {
    this.varint(length)
    this.copy(source, start, length)
  }

  /** Writes a JavaScript string as a String. */
  text(text: string): void {
    const length = Buffer.byteLength(text)
    this.varint(length)
    this.reserve(length)
    if (length > LOOP_BYTES || length !== text.length) this.bytes.write(text, this.pos, 'utf8')
    else for (let i = 0; i < length; i++) this.bytes[this.pos + i] = text.charCodeAt(i)
    this.pos += length
  }

  /** Writes the decimal digits of an integer from 0 to 2^31 - 1 as a String. */
  decimal(value: number): void {
    let length = 1
    for (let power = 10; power <= value; power *= 10) length++
    this.reserve(1 + length)
    this.bytes[this.pos] = length
    let rest = value
    for (let at = this.pos + length; at > this.pos; at--) {
      const tenth = (rest / 10) | 0
      this.bytes[at] = 0x30 + rest - tenth * 10
      rest = tenth
    }
    this.pos += 1 + length
  }

  zeros(length: number): void {
    this.reserve(length)
    for (let i = 0; i < length; i++) this.bytes[this.pos++] = 0
  }

  reset(): void {
    this.pos = 0
    this.rows = 0
    if (this.bytes.length <= KEEP_BYTES) return
    this.#replace(Buffer.allocUnsafeSlow(START_BYTES))
  }

  #grow(length: number): void {
    const needed = this.pos + length
    if (needed > this.#maxBytes) {
      const limit = this.#maxBytes / 1024 ** 2
      throw new OtlpError('too-large', `the request exceeds ${limit} MiB of rows`)
    }
    const grown = Buffer.allocUnsafeSlow(Math.min(this.#maxBytes, Math.max(needed, this.bytes.length * 2)))
    this.bytes.copy(grown, 0, 0, this.pos)
    this.#replace(grown)
  }

  #replace(bytes: Buffer): void {
    // Frees the old buffer now: garbage buffers of a large request would add to its peak memory.
    ;(this.bytes.buffer as ArrayBuffer).transfer(0)
    this.bytes = bytes
    this.view = new DataView(bytes.buffer)
  }
}
