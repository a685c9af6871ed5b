/**
 * Snappy and LZ4 as far as tests need them: bytes that are all alike become one copy, others
 * literals.
 */

/** A snappy block. */
export function compressSnappy(bytes: Uint8Array): Buffer {
  const parts = [Buffer.from(varint(bytes.length))]
  const literals = isRun(bytes) ? 1 : bytes.length
  for (let at = 0; at < literals; at += 60) {
    const literal = bytes.subarray(at, Math.min(literals, at + 60))
    parts.push(Buffer.from([(literal.length - 1) << 2]), Buffer.from(literal))
  }
  const copied = bytes.length - literals
  parts.push(Buffer.alloc(3 * Math.floor(copied / 64), Buffer.from([(63 << 2) | 2, 1, 0])))
  if (copied % 64 > 0) parts.push(Buffer.from([((copied % 64) - 1) * 4 + 2, 1, 0]))
  return Buffer.concat(parts)
}

/** Snappy's framing format, without its checksums. */
export function frameSnappy(bytes: Uint8Array): Buffer {
  const parts: Uint8Array[] = [Buffer.from([0xff, 6, 0, 0, ...Buffer.from('sNaPpY')])]
  for (let at = 0; at < bytes.length; at += 65_536) {
    const block = compressSnappy(bytes.subarray(at, at + 65_536))
    const head = Buffer.alloc(8)
    head.writeUIntLE(block.length + 4, 1, 3)
    parts.push(head, block)
  }
  return Buffer.concat(parts)
}

/** An LZ4 frame of blocks of 4 MiB, without its checksums. */
export function frameLz4(bytes: Uint8Array): Buffer {
  const parts: Uint8Array[] = [Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x40, 0x70, 0])]
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
    const block = lz4Block(bytes.subarray(at, at + BLOCK_BYTES))
    parts.push(uint32(block.length), block)
  }
  return Buffer.concat([...parts, uint32(0)])
}

const BLOCK_BYTES = 4 * 1024 * 1024

function lz4Block(bytes: Uint8Array): Buffer {
  if (bytes.length < 15) return Buffer.from([bytes.length << 4, ...bytes])
  if (!isRun(bytes)) return Buffer.concat([Buffer.from([0xf0, ...lz4Length(bytes.length)]), bytes])
  const copied = bytes.length - 1
  return Buffer.from([0x1f, bytes[0] as number, 1, 0, ...lz4Length(copied - 4), 0])
}

/** The length bytes after a nibble of 15. */
function lz4Length(length: number): number[] {
  const rest = length - 15
  return [...Array<number>(Math.floor(rest / 255)).fill(255), rest % 255]
}

function isRun(bytes: Uint8Array): boolean {
  return bytes.length > 64 && bytes.every((byte) => byte === bytes[0])
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)]
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
