import type { IncomingMessage } from 'node:http'
import type { Transform } from 'node:stream'
import { createGunzip, createInflate, createZstdDecompress } from 'node:zlib'
import { BodyBuffer } from '../../runtime/body-buffer.ts'
import type { Steps } from '../../otlp/steps.ts'
import { decompressLz4, DecompressedTooLargeError, decompressSnappy } from './block-codecs.ts'
import type { ByteBudget } from './byte-budget.ts'
import { decompressFrames } from './frames.ts'
import { runInSlices } from './sliced-decoder.ts'

/** The limit that the OTLP specification recommends, counted after decompression. */
export const MAX_BODY_BYTES = 64 * 1024 * 1024

export type BodyErrorCode = 'too-large' | 'bad-encoding' | 'corrupt' | 'no-room' | 'aborted'

export class BodyError extends Error {
  readonly code: BodyErrorCode

  constructor(code: BodyErrorCode, message: string) {
    super(message)
    this.name = 'BodyError'
    this.code = code
  }
}

/** A body. Call `release` once, after the last use of `bytes`: it frees buffer and budget. */
export type Body = { readonly bytes: Uint8Array; readonly release: () => void }

/**
 * Reads and decompresses a body; for the encodings see `BODY_ENCODINGS`. Stops, and destroys the
 * decompressor, at `MAX_BODY_BYTES` on the wire or decompressed, against decompression bombs.
 *
 * @throws BodyError
 */
export async function readBody(request: IncomingMessage, budget: ByteBudget): Promise<Body> {
  const name = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase()
  const unpack = findBlockDecoder(name)
  if (unpack === undefined) return await collectBody(request, createStreamDecoder(name), budget)
  return await decompressBody(await collectBody(request, undefined, budget), unpack, budget)
}

function collectBody(request: IncomingMessage, decoder: Transform | undefined, budget: ByteBudget): Promise<Body> {
  return new Promise<Body>((resolve, reject) => {
    const body = new BodyBuffer(Number(request.headers['content-length'] ?? 0))
    let wireBytes = 0
    let done = false

    const release = (): void => {
      budget.release(body.length)
      body.release()
    }
    const fail = (error: BodyError): void => {
      if (done) return
      done = true
      release()
      if (decoder !== undefined) {
        request.unpipe(decoder)
        decoder.destroy()
      }
      request.off('data', countWire)
      reject(error)
    }
    const countWire = (chunk: Buffer): void => {
      wireBytes += chunk.length
      if (wireBytes > MAX_BODY_BYTES) fail(createTooLargeError())
    }
    const source = decoder ?? request
    source.on('data', (chunk: Buffer) => {
      if (done) return
      if (body.length + chunk.length > MAX_BODY_BYTES) return fail(createTooLargeError())
      if (!budget.tryReserve(chunk.length)) return fail(new BodyError('no-room', 'too many requests are in flight'))
      body.append(chunk)
    })
    source.on('end', () => {
      if (done) return
      done = true
      resolve({ bytes: body.bytes, release })
    })
    request.on('error', () => fail(new BodyError('aborted', 'the connection broke')))
    request.on('close', () => {
      if (!request.complete) fail(new BodyError('aborted', 'the connection ended before the body did'))
    })
    if (decoder === undefined) return
    decoder.on('error', (error) => fail(new BodyError('corrupt', `body can't be decompressed: ${error.message}`)))
    request.on('data', countWire)
    request.pipe(decoder)
  })
}

/** Supported values of Content-Encoding, besides identity. */
export const BODY_ENCODINGS = 'gzip, deflate, zlib, zstd, snappy, x-snappy-framed, lz4'

export const STREAM_DECODERS: ReadonlyMap<string, () => Transform> = new Map<string, () => Transform>([
  ['gzip', createGunzip],
  ['deflate', () => decompressFrames(createInflate)],
  ['zlib', () => decompressFrames(createInflate)],
  ['zstd', () => decompressFrames(createZstdDecompress)],
])

function createStreamDecoder(name: string): Transform | undefined {
  if (name === 'identity' || name === '') return undefined
  const create = STREAM_DECODERS.get(name)
  if (create === undefined) throw new BodyError('bad-encoding', `Content-Encoding ${name.slice(0, 40)} isn't supported`)
  return create()
}

type BlockDecoder = (bytes: Buffer, max: number) => Steps<Buffer>

/** Decoders that need the whole body: the Collector's `compression: snappy` and `lz4`. */
export function findBlockDecoder(name: string): BlockDecoder | undefined {
  if (name === 'lz4') return decompressLz4
  return name === 'snappy' || name === 'x-snappy-framed' ? decompressSnappy : undefined
}

/** Decompresses a body in slices and releases the compressed one. @throws BodyError */
export async function decompressBody(
  body: Body,
  unpack: BlockDecoder,
  budget: ByteBudget,
  maxBytes = MAX_BODY_BYTES,
): Promise<Body> {
  const { buffer, byteOffset, byteLength } = body.bytes
  const steps = unpack(Buffer.from(buffer, byteOffset, byteLength), maxBytes)
  try {
    const bytes = await runInSlices(steps, (more) => {
      if (more > 0 && !budget.tryReserve(more)) throw new BodyError('no-room', 'too many requests are in flight')
      if (more < 0) budget.release(-more)
    })
    budget.reserve(bytes.length)
    return { bytes, release: () => budget.release(bytes.length) }
  } catch (error) {
    if (error instanceof DecompressedTooLargeError) throw createTooLargeError(maxBytes)
    if (!(error instanceof RangeError)) throw error
    throw new BodyError('corrupt', `body can't be decompressed: ${error.message}`)
  } finally {
    body.release()
  }
}

function createTooLargeError(max = MAX_BODY_BYTES): BodyError {
  return new BodyError('too-large', `body is larger than ${max} bytes after decompression`)
}
