import { Transform, type TransformCallback } from 'node:stream'
import type { Inflate, ZstdDecompress } from 'node:zlib'

/**
 * Decompresses frames one after the other, as pzstd and other parallel writers send them (RFC 8878,
 * section 3; skippable frames too). Node's decoders ignore all that follows the first frame without
 * an error. Bytes that are no frame are an error.
 *
 * @param create opens a decoder of one frame
 */
export function decompressFrames(create: () => Inflate | ZstdDecompress): Transform {
  let decoder: Inflate | ZstdDecompress | undefined
  const frames = new Transform({
    transform: (chunk: Buffer, _, done) => write(chunk, done),
    flush: (done) => {
      const last = decoder ?? open()
      last.once('end', () => done())
      last.end()
    },
    destroy: (error, done) => {
      decoder?.destroy()
      done(error)
    },
  })
  return frames

  function open(): Inflate | ZstdDecompress {
    decoder = create()
    decoder.on('data', (bytes: Buffer) => frames.push(bytes))
    decoder.on('error', (error) => frames.destroy(error))
    return decoder
  }

  function write(chunk: Buffer, done: TransformCallback): void {
    const isFirst = decoder === undefined
    const current = decoder ?? open()
    const before = current.bytesWritten
    current.write(chunk, (error) => {
      if (error) return
      const used = current.bytesWritten - before
      if (used === chunk.length) return done()
      if (used === 0 && isFirst) return void frames.destroy(new RangeError('unexpected data after the last frame'))
      // The decoder ends with its frame, before it has read the chunk.
      const next = (): void => {
        decoder = undefined
        write(chunk.subarray(used), done)
      }
      if (current.readableEnded) next()
      else current.once('end', next)
    })
  }
}
