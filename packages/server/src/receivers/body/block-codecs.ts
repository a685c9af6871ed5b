import type { Steps } from '../../otlp/steps.ts'

/** Output between two steps of Snappy and LZ4. A step yields its bytes before it allocates them. */
const SLICE_BYTES = 1024 * 1024

export class DecompressedTooLargeError extends RangeError {}

const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0])
const XERIAL_HEAD = 16

/**
 * Decompresses Snappy in one of three forms: a raw block; snappy-java's framing, which most Kafka
 * clients write (magic, two versions, then blocks with their length in 32 bits); or Snappy's
 * framing format.
 *
 * @param max maximum size of the output, in bytes
 * @throws RangeError for corrupt input, DecompressedTooLargeError above `max`
 */
export function* decompressSnappy(bytes: Buffer, max: number): Steps<Buffer> {
  if (bytes.subarray(0, FRAMED_MAGIC.length).equals(FRAMED_MAGIC)) return yield* decompressSnappyFrames(bytes, max)
  if (!bytes.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) return yield* decompressSnappyBlock(bytes, max)
  const blocks: Buffer[] = []
  let total = 0
  for (let at = XERIAL_HEAD; at < bytes.length;) {
    const length = bytes.readUInt32BE(at)
    const block = yield* addHeldBytes(
      total,
      decompressSnappyBlock(bytes.subarray(at + 4, at + 4 + length), max - total),
    )
    total += block.length
    blocks.push(block)
    at += 4 + length
  }
  yield 2 * total
  return Buffer.concat(blocks)
}

const FRAMED_MAGIC = Buffer.from([0xff, 6, 0, 0, 0x73, 0x4e, 0x61, 0x50, 0x70, 0x59])

/**
 * Each chunk has a type, a length in 24 bits, and data
 * (https://github.com/google/snappy/blob/main/framing_format.txt). The checksum, the first four
 * bytes of the data, is skipped: detecting corruption is left to OTLP decoding.
 */
function* decompressSnappyFrames(bytes: Buffer, max: number): Steps<Buffer> {
  const blocks: Buffer[] = []
  let total = 0
  for (let at = 0; at < bytes.length;) {
    const type = bytes.readUInt8(at)
    const end = at + 4 + bytes.readUIntLE(at + 1, 3)
    if (end > bytes.length) throw new RangeError('snappy: chunk past the end')
    const data = bytes.subarray(at + 8, end)
    at = end
    if (type === 0x00) blocks.push(yield* addHeldBytes(total, decompressSnappyBlock(data, max - total)))
    else if (type === 0x01) blocks.push(data)
    else if (type < 0x80) throw new RangeError(`snappy: unknown chunk ${type}`)
    else continue
    total += blocks.at(-1)?.length ?? 0
    if (total > max) throw new DecompressedTooLargeError('snappy: too large')
  }
  yield 2 * total
  return Buffer.concat(blocks)
}

/** Adds `before`, the bytes already held, to what each step yields. */
function* addHeldBytes<T>(before: number, steps: Steps<T>): Steps<T> {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
    yield before + step.value
  }
}

/**
 * Decompresses a block (https://github.com/google/snappy/blob/main/format_description.txt): the
 * length of the output, then tagged elements.
 *
 * | low bits of a tag | element                                                    |
 * |-------------------|------------------------------------------------------------|
 * | 00                | literal, length - 1 in the upper six bits, or 60 to 63: in the next 1 to 4 bytes |
 * | 01                | copy, length - 4 in three bits, offset in three bits and a byte |
 * | 10, 11            | copy, length - 1 in six bits, offset in two or four bytes   |
 */
function* decompressSnappyBlock(bytes: Buffer, max: number): Steps<Buffer> {
  let at = 0
  let length = 0
  for (let shift = 0; ; shift += 7) {
    const byte = bytes.readUInt8(at++)
    length += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) break
  }
  if (length > max) throw new DecompressedTooLargeError('snappy: too large')
  yield length
  const out = Buffer.allocUnsafe(length)
  let to = 0
  let pause = SLICE_BYTES
  while (at < bytes.length) {
    if (to >= pause) {
      yield length
      pause = to + SLICE_BYTES
    }
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
    to = copyMatch(out, to, offset, count, length)
  }
  if (to !== length) throw new RangeError('snappy: output shorter than the declared length')
  return out
}

const LZ4_MAGIC = 0x184d2204

/**
 * Decompresses an LZ4 frame (https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md). Its
 * checksums are skipped: the CRC of a Kafka batch covers these bytes, and for other requests
 * detecting corruption is left to OTLP decoding.
 *
 * @param max maximum size of the output, in bytes
 * @throws RangeError for corrupt input, DecompressedTooLargeError above `max`
 */
export function* decompressLz4(bytes: Buffer, max: number): Steps<Buffer> {
  if (bytes.readUInt32LE(0) !== LZ4_MAGIC) throw new RangeError('lz4: no frame')
  const flags = bytes.readUInt8(4)
  const largest = 1 << (8 + 2 * ((bytes.readUInt8(5) >> 4) & 7))
  const blockChecksum = (flags & 0x10) !== 0 ? 4 : 0
  const sizeBytes = (flags & 0x08) !== 0 ? 8 : 0
  const dictionaryBytes = (flags & 0x01) !== 0 ? 4 : 0
  let at = 6 + sizeBytes + dictionaryBytes + 1
  let size = Math.min(max, Math.max(bytes.length * 4, largest))
  yield size
  let out = Buffer.allocUnsafe(size)
  let to = 0
  let pause = SLICE_BYTES
  for (;;) {
    const head = bytes.readUInt32LE(at)
    at += 4
    if (to > max) throw new DecompressedTooLargeError('lz4: too large')
    if (head === 0) return out.subarray(0, to)
    if (to >= pause) {
      yield out.length
      pause = to + SLICE_BYTES
    }
    const length = head & 0x7fffffff
    if (at + length > bytes.length || length > largest) throw new RangeError('lz4: block past the end')
    if (to + largest > out.length) {
      if (out.length === max + largest) throw new DecompressedTooLargeError('lz4: too large')
      // The last block may be shorter than `largest`, so the buffer has room for one beyond `max`.
      size = Math.min(max + largest, Math.max(out.length * 2, to + largest))
      yield out.length + size
      const grown = Buffer.allocUnsafe(size)
      out.copy(grown, 0, 0, to)
      out = grown
    }
    const block = bytes.subarray(at, at + length)
    to = head >>> 31 === 1 ? to + block.copy(out, to) : decompressLz4Block(block, out, to)
    at += length + blockChecksum
  }
}

/**
 * Decompresses sequences of literals and a match
 * (https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md); the last one has no match.
 */
function decompressLz4Block(bytes: Buffer, out: Buffer, start: number): number {
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
    to = copyMatch(out, to, offset, more(token & 15) + 4, out.length)
  }
  return to
}

/** Copies earlier output. If `count` exceeds `offset` the ranges overlap and the output repeats. */
function copyMatch(out: Buffer, to: number, offset: number, count: number, end: number): number {
  if (offset === 0 || offset > to || to + count > end) throw new RangeError('copy out of range')
  for (let done = 0; done < count;) {
    const length = Math.min(offset + done, count - done)
    out.copyWithin(to + done, to - offset, to - offset + length)
    done += length
  }
  return to + count
}
