import { promisify } from 'node:util'
import { gunzip, zstdDecompress } from 'node:zlib'
import { unlz4, unsnappy } from '../body/block-codecs.ts'
import { MAX_BODY_BYTES } from '../body/request-body.ts'
import { runInSlices } from '../body/sliced-decoder.ts'

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
  [2, (bytes) => runInSlices(unsnappy(bytes, MAX_UNPACKED), () => {})],
  [3, (bytes) => runInSlices(unlz4(bytes, MAX_UNPACKED), () => {})],
  [4, (bytes) => unzstd(bytes, { maxOutputLength: MAX_UNPACKED })],
])
