import { copyBytes, toDataView } from '../../../runtime/copy-bytes.ts'

const INITIAL_BYTES = 4096

/** `clear` releases the memory of a larger list. */
const MAX_KEPT_BYTES = 16 * 1024 * 1024

/** A growing buffer, reused for every insert, so that inserts allocate nothing. */
export class ByteList {
  bytes: Buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES)
  view: DataView = toDataView(this.bytes)
  length = 0

  /** Must precede every direct write into `bytes`. */
  reserve(more: number): void {
    const needed = this.length + more
    if (needed <= this.bytes.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2))
    this.bytes.copy(grown, 0, 0, this.length)
    this.bytes = grown
    this.view = toDataView(grown)
  }

  append(source: DataView, start: number, length: number): void {
    this.reserve(length)
    copyBytes(source, start, this.view, this.length, length)
    this.length += length
  }

  varint(value: number): void {
    this.reserve(5)
    let rest = value
    while (rest >= 0x80) {
      this.bytes[this.length++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.bytes[this.length++] = rest
  }

  u8(value: number): void {
    this.reserve(1)
    this.bytes[this.length++] = value
  }

  zeros(length: number): void {
    this.reserve(length)
    this.bytes.fill(0, this.length, this.length + length)
    this.length += length
  }

  u16(value: number): void {
    this.reserve(2)
    this.view.setUint16(this.length, value, true)
    this.length += 2
  }

  u32(value: number): void {
    this.reserve(4)
    this.view.setUint32(this.length, value, true)
    this.length += 4
  }

  u64(value: number): void {
    this.reserve(8)
    this.view.setUint32(this.length, value, true)
    this.view.setUint32(this.length + 4, Math.floor(value / 2 ** 32), true)
    this.length += 8
  }

  text(text: string): void {
    const bytes = Buffer.from(text)
    this.varint(bytes.length)
    this.append(toDataView(bytes), 0, bytes.length)
  }

  /** Appends the contents of another list, with their length in front. */
  string(of: ByteList): void {
    this.varint(of.length)
    this.append(of.view, 0, of.length)
  }

  contents(): Buffer {
    return this.bytes.subarray(0, this.length)
  }

  clear(): void {
    this.length = 0
    if (this.bytes.length <= MAX_KEPT_BYTES) return
    this.bytes = Buffer.allocUnsafeSlow(INITIAL_BYTES)
    this.view = toDataView(this.bytes)
  }
}
