import { promisify } from 'node:util'
import { gunzip, zstdDecompress } from 'node:zlib'
import { MAX_BODY_BYTES } from './request-body.ts'

/** From the compressed records of a batch to the records. */
export type Decompress = (bytes: Buffer) => Promise<Buffer>

/** One request of the largest size, and its record around it. */
export const MAX_UNPACKED = MAX_BODY_BYTES + 64 * 1024

const gunzipped = promisify(gunzip)
const unzstd = promisify(zstdDecompress)

/** By the number in a batch's attributes. None yields more than `MAX_UNPACKED`. */
export const decompressors: ReadonlyMap<number, Decompress> = new Map<number, Decompress>([
  [0, (bytes) => Promise.resolve(bytes)],
  [1, (bytes) => gunzipped(bytes, { maxOutputLength: MAX_UNPACKED })],
  [2, async (bytes) => unsnappy(bytes)],
  [3, async (bytes) => unlz4(bytes)],
  [4, (bytes) => unzstd(bytes, { maxOutputLength: MAX_UNPACKED })],
])

const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0])
const XERIAL_HEAD = 16

/**
 * Snappy (https://github.com/google/snappy/blob/main/format_description.txt), one block, or several in the framing of
 * snappy-java, which Java's and most other clients write: magic, two versions, then blocks with their length in 32 bits.
 */
function unsnappy(bytes: Buffer): Buffer {
  if (!bytes.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) return snappyBlock(bytes)
  const blocks: Buffer[] = []
  let total = 0
  for (let at = XERIAL_HEAD; at < bytes.length;) {
    const length = bytes.readUInt32BE(at)
    const block = snappyBlock(bytes.subarray(at + 4, at + 4 + length))
    total += block.length
    if (total > MAX_UNPACKED) throw new RangeError('snappy: too large')
    blocks.push(block)
    at += 4 + length
  }
  return Buffer.concat(blocks)
}

/**
 * | low bits of a tag | what follows                                               |
 * |-------------------|------------------------------------------------------------|
 * | 00                | literal, length - 1 in the upper six bits, or 60 to 63: in the next 1 to 4 bytes |
 * | 01                | copy, length - 4 in three bits, offset in three bits and a byte |
 * | 10, 11            | copy, length - 1 in six bits, offset in two or four bytes   |
 */
function snappyBlock(bytes: Buffer): Buffer {
  let at = 0
  let length = 0
  for (let shift = 0; ; shift += 7) {
    const byte = bytes.readUInt8(at++)
    length += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) break
  }
  if (length > MAX_UNPACKED) throw new RangeError('snappy: too large')
  const out = Buffer.allocUnsafe(length)
  let to = 0
  while (at < bytes.length) {
    const tag = bytes.readUInt8(at++)
    const kind = tag & 3
    let count = (tag >> 2) + 1
    if (kind === 0) {
      if (count > 60) {
        const width = count - 60
        count = bytes.readUIntLE(at, width) + 1
        at += width
      }
      if (at + count > bytes.length || to + count > length) throw new RangeError('snappy: literal past the end')
      to += bytes.copy(out, to, at, at + count)
      at += count
      continue
    }
    let offset: number
    if (kind === 1) {
      count = ((tag >> 2) & 7) + 4
      offset = ((tag >> 5) << 8) | bytes.readUInt8(at++)
    } else {
      const width = kind === 2 ? 2 : 4
      offset = bytes.readUIntLE(at, width)
      at += width
    }
    to = repeat(out, to, offset, count, length)
  }
  if (to !== length) throw new RangeError('snappy: less than it says')
  return out
}

const LZ4_MAGIC = 0x184d2204

/**
 * LZ4's frame (https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md). Its checksums are skipped: the CRC of the batch covers
 * these bytes.
 */
function unlz4(bytes: Buffer): Buffer {
  if (bytes.readUInt32LE(0) !== LZ4_MAGIC) throw new RangeError('lz4: no frame')
  const flags = bytes.readUInt8(4)
  const largest = 1 << (8 + 2 * ((bytes.readUInt8(5) >> 4) & 7))
  const blockChecksum = (flags & 0x10) !== 0 ? 4 : 0
  const sizeBytes = (flags & 0x08) !== 0 ? 8 : 0
  const dictionaryBytes = (flags & 0x01) !== 0 ? 4 : 0
  let at = 6 + sizeBytes + dictionaryBytes + 1
  let out = Buffer.allocUnsafe(Math.min(MAX_UNPACKED, Math.max(bytes.length * 4, largest)))
  let to = 0
  for (;;) {
    const head = bytes.readUInt32LE(at)
    at += 4
    if (head === 0) return out.subarray(0, to)
    const length = head & 0x7fffffff
    if (at + length > bytes.length) throw new RangeError('lz4: block past the end')
    if (to + largest > out.length) {
      if (to + largest > MAX_UNPACKED) throw new RangeError('lz4: too large')
      const grown = Buffer.allocUnsafe(Math.min(MAX_UNPACKED, Math.max(out.length * 2, to + largest)))
      out.copy(grown, 0, 0, to)
      out = grown
    }
    const block = bytes.subarray(at, at + length)
    to = head >>> 31 === 1 ? to + block.copy(out, to) : lz4Block(block, out, to)
    at += length + blockChecksum
  }
}

/** Sequences of literals and a copy (https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md); the last has no copy. */
function lz4Block(bytes: Buffer, out: Buffer, start: number): number {
  let at = 0
  let to = start
  const more = (nibble: number): number => {
    if (nibble < 15) return nibble
    let count = nibble
    let byte: number
    do {
      byte = bytes.readUInt8(at++)
      count += byte
    } while (byte === 255)
    return count
  }
  while (at < bytes.length) {
    const token = bytes.readUInt8(at++)
    const literals = more(token >> 4)
    if (at + literals > bytes.length || to + literals > out.length) throw new RangeError('lz4: literals past the end')
    to += bytes.copy(out, to, at, at + literals)
    at += literals
    if (at >= bytes.length) return to
    const offset = bytes.readUInt16LE(at)
    at += 2
    to = repeat(out, to, offset, more(token & 15) + 4, out.length)
  }
  return to
}

/** Copies what was written before; it may overlap what it writes, which then repeats. */
function repeat(out: Buffer, to: number, offset: number, count: number, end: number): number {
  if (offset === 0 || offset > to || to + count > end) throw new RangeError('copy out of range')
  for (let done = 0; done < count;) {
    const length = Math.min(offset + done, count - done)
    out.copyWithin(to + done, to - offset, to - offset + length)
    done += length
  }
  return to + count
}
