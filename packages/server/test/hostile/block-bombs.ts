/** One literal and copies of it; each of the formats allows some hundred times its size. */
export function snappyBomb(length: number): Buffer {
  const size = Array.from({ length: 4 }, (_, at) => ((length >> (7 * at)) & 0x7f) | (at < 3 ? 0x80 : 0))
  const copy = Buffer.from([(63 << 2) | 2, 1, 0])
  return Buffer.concat([Buffer.from([...size, 0, 0]), ...Array.from({ length: Math.ceil(length / 64) }, () => copy)])
}

export function lz4Bomb(length: number): Buffer {
  const header = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0])
  const extension = Buffer.alloc(Math.ceil((4 << 20) / 255) - 2, 255)
  const block = Buffer.concat([Buffer.from([0x1f, 0, 1, 0]), extension, Buffer.from([0])])
  const head = Buffer.alloc(4)
  head.writeUInt32LE(block.length)
  const blocks = Array.from({ length: Math.ceil(length / (4 << 20)) + 1 }, () => Buffer.concat([head, block]))
  return Buffer.concat([header, ...blocks, Buffer.alloc(4)])
}
