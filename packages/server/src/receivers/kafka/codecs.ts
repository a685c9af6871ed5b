import { promisify } from 'node:util'
import { createZstdDecompress, gunzip } from 'node:zlib'
import { decompressLz4, decompressSnappy } from '../body/block-codecs.ts'
import { decompressFrames } from '../body/frames.ts'
import { MAX_BODY_BYTES } from '../body/request-body.ts'
import { runInSlices } from '../body/sliced-decoder.ts'

/** Decompresses the records of a batch. */
export type Decompress = (bytes: Buffer) => Promise<Buffer>

/** A request of the maximum size and its record's overhead. */
export const MAX_DECOMPRESSED_BYTES = MAX_BODY_BYTES + 64 * 1024

const gunzipAsync = promisify(gunzip)

/** By the codec number in a batch's attributes; output is limited to `MAX_DECOMPRESSED_BYTES`. */
export const decompressors: ReadonlyMap<number, Decompress> = new Map<number, Decompress>([
  [0, (bytes) => Promise.resolve(bytes)],
  [1, (bytes) => gunzipAsync(bytes, { maxOutputLength: MAX_DECOMPRESSED_BYTES })],
  [2, (bytes) => runInSlices(decompressSnappy(bytes, MAX_DECOMPRESSED_BYTES), () => {})],
  [3, (bytes) => runInSlices(decompressLz4(bytes, MAX_DECOMPRESSED_BYTES), () => {})],
  [4, decompressZstd],
])

async function decompressZstd(bytes: Buffer): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of decompressFrames(createZstdDecompress).end(bytes) as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > MAX_DECOMPRESSED_BYTES) throw new RangeError(`records are more than ${MAX_DECOMPRESSED_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
