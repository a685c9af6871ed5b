import { promisify } from 'node:util'
import { gunzip, zstdDecompress } from 'node:zlib'
import { decompressLz4, decompressSnappy } from '../body/block-codecs.ts'
import { MAX_BODY_BYTES } from '../body/request-body.ts'
import { runInSlices } from '../body/sliced-decoder.ts'

/** Decompresses the records of a batch. */
export type Decompress = (bytes: Buffer) => Promise<Buffer>

/** A request of the maximum size and its record's overhead. */
export const MAX_DECOMPRESSED_BYTES = MAX_BODY_BYTES + 64 * 1024

const gunzipAsync = promisify(gunzip)
const zstdDecompressAsync = promisify(zstdDecompress)

/** By the codec number in a batch's attributes; output is limited to `MAX_DECOMPRESSED_BYTES`. */
export const decompressors: ReadonlyMap<number, Decompress> = new Map<number, Decompress>([
  [0, (bytes) => Promise.resolve(bytes)],
  [1, (bytes) => gunzipAsync(bytes, { maxOutputLength: MAX_DECOMPRESSED_BYTES })],
  [2, (bytes) => runInSlices(decompressSnappy(bytes, MAX_DECOMPRESSED_BYTES), () => {})],
  [3, (bytes) => runInSlices(decompressLz4(bytes, MAX_DECOMPRESSED_BYTES), () => {})],
  [4, (bytes) => zstdDecompressAsync(bytes, { maxOutputLength: MAX_DECOMPRESSED_BYTES })],
])
