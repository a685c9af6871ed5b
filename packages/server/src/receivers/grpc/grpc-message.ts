import type { Readable, Transform } from 'node:stream'
import { BodyBuffer } from '../../runtime/body-buffer.ts'
import {
  findBlockDecoder,
  type Body,
  BodyError,
  MAX_BODY_BYTES,
  decompressBody,
  STREAM_DECODERS,
} from '../body/request-body.ts'
import type { ByteBudget } from '../body/byte-budget.ts'

/** Value of `grpc-accept-encoding`. */
export const GRPC_ENCODINGS = 'identity, gzip, deflate, zstd, snappy'

/** Compressed-Flag (1 byte) and Message-Length (4 bytes, big-endian). */
const PREFIX_BYTES = 5

/**
 * Reads and decompresses the one message of a unary call
 * (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, Length-Prefixed-Message). Bytes
 * count in the budget from the first one. Stops as soon as the message, compressed or not, exceeds
 * the maximum.
 *
 * @param encoding value of the `grpc-encoding` header
 * @param maxBytes of the message, also after decompression
 * @throws BodyError
 */
export async function readGrpcMessage(
  stream: Readable,
  encoding: string | undefined,
  budget: ByteBudget,
  maxBytes = MAX_BODY_BYTES,
): Promise<Body> {
  const wire = await collectMessage(stream, budget, PREFIX_BYTES + maxBytes, (start) => {
    const length = start.readUInt32BE(1)
    if (length > maxBytes) throw createTooLargeError(maxBytes)
    return PREFIX_BYTES + length
  })
  const { bytes } = wire
  const flag = bytes[0] ?? 0
  const message = bytes.subarray(PREFIX_BYTES)
  if (flag === 0) return { bytes: message, release: wire.release }
  const name = (encoding ?? 'identity').trim().toLowerCase()
  const unpack = flag === 1 ? findBlockDecoder(name) : undefined
  if (unpack !== undefined)
    return await decompressBody({ bytes: message, release: wire.release }, unpack, budget, maxBytes)
  try {
    if (flag !== 1) throw new BodyError('corrupt', `the message's compressed flag is ${flag}`)
    const decoder = createDecoder(name)
    const plain = collectMessage(decoder, budget, maxBytes)
    // A copy: after a failure, zlib's thread may still read while the pooled buffer is reused.
    decoder.end(Buffer.from(message))
    return await plain
  } finally {
    wire.release()
  }
}

function createDecoder(name: string): Transform {
  if (name === 'identity') throw new BodyError('corrupt', 'the message is compressed, and grpc-encoding is identity')
  const create = name === 'zlib' ? undefined : STREAM_DECODERS.get(name)
  if (create === undefined) throw new BodyError('bad-encoding', `grpc-encoding ${name.slice(0, 40)} isn't supported`)
  return create()
}

/**
 * @param expected returns the total length from the first five bytes; throws if it is too large
 */
function collectMessage(
  source: Readable,
  budget: ByteBudget,
  limit: number,
  expected?: (start: Buffer) => number,
): Promise<Body> {
  return new Promise((resolve, reject) => {
    const gathered = new BodyBuffer()
    let total: number | undefined
    let done = false
    const release = (): void => {
      budget.release(gathered.length)
      gathered.release()
    }
    const fail = (error: unknown): void => {
      if (done) return
      done = true
      release()
      reject(error)
    }
    source.on('data', (chunk: Buffer) => {
      if (done) return
      if (gathered.length + chunk.length > (total ?? limit)) {
        return fail(
          total === undefined
            ? createTooLargeError(expected === undefined ? limit : limit - PREFIX_BYTES)
            : new BodyError('corrupt', 'unexpected data after the request message'),
        )
      }
      if (!budget.tryReserve(chunk.length)) return fail(new BodyError('no-room', 'too many requests are in flight'))
      gathered.append(chunk)
      if (expected === undefined || total !== undefined || gathered.length < PREFIX_BYTES) return
      try {
        total = expected(gathered.bytes)
        if (gathered.length > total) throw new BodyError('corrupt', 'unexpected data after the request message')
      } catch (error) {
        fail(error)
      }
    })
    source.on('end', () => {
      if (done) return
      if (expected !== undefined && gathered.length !== total) {
        return fail(
          new BodyError('corrupt', `the message ends after ${gathered.length} of ${total ?? 'its first 5'} bytes`),
        )
      }
      done = true
      resolve({ bytes: gathered.bytes, release })
    })
    source.on('error', (error) =>
      fail(
        expected === undefined
          ? new BodyError('corrupt', `message can't be decompressed: ${error.message}`)
          : new BodyError('aborted', 'the call was aborted'),
      ),
    )
    source.on('close', () => fail(new BodyError('aborted', 'the call ended before its message did')))
  })
}

function createTooLargeError(max: number): BodyError {
  return new BodyError('too-large', `message is larger than ${max} bytes`)
}
