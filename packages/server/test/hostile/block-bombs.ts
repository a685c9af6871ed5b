/** `head` and then zeros: one literal and copies of its last byte. */
export function snappyBomb(length: number, head: Buffer = ZERO): Buffer {
  const size = Array.from({ length: 4 }, (_, at) => ((length >> (7 * at)) & 0x7f) | (at < 3 ? 0x80 : 0))
  const copies = length - head.length
  const copy = Buffer.from([(63 << 2) | 2, 1, 0])
  const last = copies % 64 === 0 ? [] : [(((copies % 64) - 1) << 2) | 2, 1, 0]
  const start = Buffer.from([...size, (head.length - 1) << 2, ...head])
  return Buffer.concat([start, Buffer.alloc(copy.length * Math.floor(copies / 64), copy), Buffer.from(last)])
}

/** The same in the framing of snappy-java, which Kafka clients write. */
export function xerialBomb(length: number, head: Buffer = ZERO): Buffer {
  const magic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1])
  const blocks = blockSizes(length, MiB).flatMap((size, at) => {
    const block = snappyBomb(size, at === 0 ? head : ZERO)
    const blockLength = Buffer.alloc(4)
    blockLength.writeUInt32BE(block.length)
    return [blockLength, block]
  })
  return Buffer.concat([magic, ...blocks])
}

/** A frame of LZ4. */
export function lz4Bomb(length: number, head: Buffer = ZERO): Buffer {
  const start = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73])
  const blocks = blockSizes(length, 4 * MiB).flatMap((size, at) => {
    const isSmall = size < 1000
    const block = isSmall ? Buffer.alloc(size) : lz4Block(size, at === 0 ? head : ZERO)
    const blockHead = Buffer.alloc(4)
    blockHead.writeUInt32LE(isSmall ? STORED + block.length : block.length)
    return [blockHead, block]
  })
  return Buffer.concat([start, ...blocks, Buffer.alloc(4)])
}

const MiB = 2 ** 20
const ZERO: Buffer = Buffer.alloc(1)
/** In the length of an LZ4 block: it is not compressed. */

const STORED = 2 ** 31

function blockSizes(length: number, max: number): number[] {
  return Array.from({ length: Math.ceil(length / max) }, (_, at) => Math.min(max, length - at * max))
}

/** The last five bytes of a block are literals. */
function lz4Block(size: number, head: Buffer): Buffer {
  const literals = head.length < 15 ? [] : [head.length - 15]
  const copied = size - head.length - 5 - 4 - 15
  const token = (Math.min(head.length, 15) << 4) | 15
  const start = Buffer.from([token, ...literals, ...head, 1, 0])
  const extension = Buffer.alloc(Math.floor(copied / 255), 255)
  return Buffer.concat([start, extension, Buffer.from([copied % 255, 5 << 4, 0, 0, 0, 0, 0])])
}
