const START_BYTES = 4096

/** A list that once had to grow past it gives the memory back when it is cleared. */
const KEEP_BYTES = 16 * 1024 * 1024

/** Below it a loop is faster than the call into native code. */
const LOOP_BYTES = 48

/** Bytes that grow at their end; cleared and filled again for every insert, so that inserts allocate nothing. */
export class ByteList {
  bytes: Buffer = Buffer.allocUnsafeSlow(START_BYTES)
  length = 0

  /** Must precede every direct write into `bytes`. */
  reserve(more: number): void {
    const needed = this.length + more
    if (needed <= this.bytes.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2))
    this.bytes.copy(grown, 0, 0, this.length)
    this.bytes = grown
  }

  append(source: Buffer, start: number, length: number): void {
    this.reserve(length)
    const target = this.bytes
    const at = this.length
    if (length > LOOP_BYTES) source.copy(target, at, start, start + length)
    else for (let i = 0; i < length; i++) target[at + i] = source[start + i] as number
    this.length = at + length
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

  u16(value: number): void {
    this.reserve(2)
    this.bytes.writeUInt16LE(value, this.length)
    this.length += 2
  }

  u32(value: number): void {
    this.reserve(4)
    this.bytes.writeUInt32LE(value, this.length)
    this.length += 4
  }

  u64(value: number): void {
    this.reserve(8)
    this.bytes.writeUInt32LE(value % 2 ** 32, this.length)
    this.bytes.writeUInt32LE(Math.floor(value / 2 ** 32), this.length + 4)
    this.length += 8
  }

  text(text: string): void {
    const bytes = Buffer.from(text)
    this.varint(bytes.length)
    this.append(bytes, 0, bytes.length)
  }

  view(): Buffer {
    return this.bytes.subarray(0, this.length)
  }

  clear(): void {
    this.length = 0
    if (this.bytes.length > KEEP_BYTES) this.bytes = Buffer.allocUnsafeSlow(START_BYTES)
  }
}
