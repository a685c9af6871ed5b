import type { IncomingMessage } from 'node:http'
import type { Transform } from 'node:stream'
import { createGunzip, createInflate, createZstdDecompress } from 'node:zlib'
import { GatheredBytes } from '../bytes/gathered-bytes.ts'
import type { ByteBudget } from './byte-budget.ts'

/** Bodies of a request: the OTLP specification recommends 64 MiB, counted after decompression. */
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

/**
 * A body, and the part of the budget and the memory it holds, to be given back with `release`, once, when its bytes aren't needed any
 * more.
 */
export type Body = { readonly bytes: Uint8Array; readonly release: () => void }

/**
 * Reads a body and undoes its Content-Encoding: identity, gzip, deflate or zstd. Stops at `MAX_BODY_BYTES`, on the wire and
 * decompressed, with the decompressor destroyed where it is: a bomb never unfolds.
 */
export function readBody(request: IncomingMessage, budget: ByteBudget): Promise<Body> {
  const decoder = decoderFor(request.headers['content-encoding'])
  return new Promise<Body>((resolve, reject) => {
    const body = new GatheredBytes(Number(request.headers['content-length'] ?? 0))
    let wireBytes = 0
    let done = false

    const release = (): void => {
      budget.give(body.length)
      body.give()
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
      if (wireBytes > MAX_BODY_BYTES) fail(tooLarge())
    }
    const source = decoder ?? request
    source.on('data', (chunk: Buffer) => {
      if (done) return
      if (body.length + chunk.length > MAX_BODY_BYTES) return fail(tooLarge())
      if (!budget.take(chunk.length)) return fail(new BodyError('no-room', 'too many requests are in flight'))
      body.add(chunk)
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

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  deflate: createInflate,
  zstd: createZstdDecompress,
}

function decoderFor(encoding: string | undefined): Transform | undefined {
  const name = (encoding ?? 'identity').trim().toLowerCase()
  if (name === 'identity' || name === '') return undefined
  const create = Object.hasOwn(DECODERS, name) ? DECODERS[name] : undefined
  if (create === undefined) throw new BodyError('bad-encoding', `Content-Encoding ${name.slice(0, 40)} isn't supported`)
  return create()
}

function tooLarge(): BodyError {
  return new BodyError('too-large', `body is larger than ${MAX_BODY_BYTES} bytes after decompression`)
}
