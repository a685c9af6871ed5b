import { buffer } from 'node:stream/consumers'
import { createInflate, createZstdDecompress, deflateSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decompressFrames } from './frames.ts'

const SKIPPABLE = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3])

const formats = {
  zstd: { create: createZstdDecompress, compress: zstdCompressSync },
  deflate: { create: createInflate, compress: deflateSync },
} as const

async function decompress(format: keyof typeof formats, chunks: readonly Uint8Array[]): Promise<Buffer> {
  const frames = decompressFrames(formats[format].create)
  const result = buffer(frames)
  for (const chunk of chunks) frames.write(chunk)
  frames.end()
  return await result
}

function split(bytes: Uint8Array, size: number): Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.subarray(at * size, (at + 1) * size))
}

test.each(['zstd', 'deflate'] as const)('%s frames are all decompressed, however the bytes arrive', async (format) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 1, max: 400 }),
      async (parts, size) => {
        const bytes = Buffer.concat(parts.map((part) => formats[format].compress(part)))
        expect(await decompress(format, split(bytes, size))).toEqual(Buffer.concat(parts))
      },
    ),
    { numRuns: 100 },
  )
})

test('skippable zstd frames are skipped, also in front', async () => {
  const [a, b] = [zstdCompressSync('a'), zstdCompressSync('b')]
  const bytes = Buffer.concat([SKIPPABLE, a, SKIPPABLE, b, SKIPPABLE])
  for (const size of [1, 7, bytes.length]) expect(String(await decompress('zstd', split(bytes, size)))).toBe('ab')
})

test.each(['zstd', 'deflate'] as const)(
  '%s frames with junk behind them or an unfinished frame fail',
  async (format) => {
    const whole = formats[format].compress('some text that is longer than its frame')
    for (const bytes of [Buffer.concat([whole, Buffer.from('junk')]), whole.subarray(0, -3)]) {
      await expect(decompress(format, [bytes])).rejects.toBeInstanceOf(Error)
      await expect(decompress(format, split(bytes, 1))).rejects.toBeInstanceOf(Error)
    }
  },
)
